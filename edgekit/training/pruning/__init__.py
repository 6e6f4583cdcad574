"""Zeros: goals, masks and channels, in training and measured layer by layer."""
