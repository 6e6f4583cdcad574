"""A small PyTorch network for handwritten digits, and its training."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

HELD_OUT = 397  # images that nothing is trained with


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return images, float32 of shape ``(1797, 1, 8, 8)`` in [0, 1], and their digits, shuffled."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    return (images[order].reshape(-1, 1, 8, 8) / 16).astype(np.float32), labels[order]


def trained() -> nn.Module:
    """Return the network, trained; it takes channels first, as PyTorch does."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24 * 2 * 2, 10),
        nn.Softmax(dim=1),
    )
    x, y = (torch.from_numpy(values[:-HELD_OUT]) for values in digits())
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss = nn.CrossEntropyLoss()
    for _ in range(20):
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            loss(model[:-1](x[rows]), y[rows]).backward()  # of the logits: without the softmax
            optimizer.step()
    return model.eval()


def accuracy(model: nn.Module) -> float:
    """Return the share of the images held out that ``model`` names rightly."""
    x, y = (values[-HELD_OUT:] for values in digits())
    with torch.no_grad():
        found = model(torch.from_numpy(x)).argmax(dim=1).numpy()
    return float(np.mean(found == y))
