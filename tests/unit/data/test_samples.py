"""Samples from each kind of source, the split, and each way in which data are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.data.samples import Dataset, load_data
from edgekit.errors import InputError
from edgekit.specs import DataSpec


def load(folder: Path, source: str, **options: Any) -> Dataset:
    spec = {
        key: options.pop(key)
        for key in ("calibration_samples", "validation_fraction", "scale", "offset", "labels")
        if key in options
    }
    shapes = {"input_shape": (4,), "output_shape": (3,), "seed": 0, **options}
    return load_data(DataSpec(source=source, **spec), directory=folder, **shapes)


def samples(count: int, shape: tuple[int, ...] = (4,)) -> np.ndarray:
    """Return samples that are all different: sample i begins with i."""
    size = int(np.prod(shape))
    return (np.arange(count * size, dtype=np.float32) / size).reshape(count, *shape)


def write(folder: Path, **arrays: Any) -> str:
    np.savez(folder / "data.npz", **arrays)
    return "data.npz"


def test_x_and_y_are_split_into_sets_that_share_no_sample(tmp_path: Path) -> None:
    labels = np.arange(100) % 3
    data = load(tmp_path, write(tmp_path, x=samples(100), y=labels), calibration_samples=5)
    assert (len(data.x_train), len(data.x_calibration), len(data.x_validation)) == (75, 5, 20)
    first = [set(part[:, 0]) for part in (data.x_train, data.x_calibration, data.x_validation)]
    assert set.union(*first) == set(range(100))
    assert data.overlaps == ()
    # sample i begins with i, and its label is i mod 3: both were shuffled alike
    assert data.y_train is not None
    np.testing.assert_array_equal(data.x_train[:, 0] % 3, data.y_train)


def test_the_places_of_calibration_samples_are_those_in_the_source(tmp_path: Path) -> None:
    for arrays in (
        {"x": samples(100)},
        {"x": samples(100), "y": np.arange(100) % 3},
        {"x_train": samples(100), "x_test": samples(7) + 1000},
    ):
        data = load(tmp_path, write(tmp_path, **arrays), calibration_samples=5)
        assert len(data.calibration_indices) == 5
        assert data.x_calibration[:, 0].tolist() == list(data.calibration_indices)


def test_each_set_has_the_classes_in_their_shares(tmp_path: Path) -> None:
    labels = np.repeat([0, 1], [180, 20])  # sorted, one class in ten
    data = load(tmp_path, write(tmp_path, x=samples(200), y=labels), calibration_samples=16)
    assert data.y_validation is not None
    assert int((data.y_validation == 1).sum()) == 4  # a tenth of 40
    assert int((data.x_calibration[:, 0] >= 180).sum()) in {1, 2}  # a tenth of 16


def test_a_test_set_is_the_validation_set(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        x_train=samples(50),
        y_train=np.zeros(50, int),
        x_test=samples(7) + 1000,
        y_test=np.ones(7, int),
    )
    data = load(tmp_path, source)
    np.testing.assert_array_equal(data.x_validation, samples(7) + 1000)
    assert len(data.x_calibration) == 5  # a tenth of 50, for 200 were asked
    assert data.notes == (
        "45 samples to train, 5 to calibrate, 7 to validate (200 were asked to calibrate)",
    )


def test_samples_in_two_sets_are_reported(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        x_train=samples(30),
        y_train=np.zeros(30, int),
        x_test=samples(30)[:4],
        y_test=np.zeros(4, int),
    )
    assert sum(int(text.split()[0]) for text in load(tmp_path, source).overlaps) == 4


def test_the_seed_decides_the_split(tmp_path: Path) -> None:
    source = write(tmp_path, x=samples(60), y=np.arange(60) % 3)
    one, again, other = (load(tmp_path, source, seed=seed).x_train for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_inputs_are_scaled_before_the_offset_is_added(tmp_path: Path) -> None:
    x = np.full((10, 4), 255, np.uint8)
    data = load(tmp_path, write(tmp_path, x=x, y=np.zeros(10, int)), scale=2 / 255, offset=-1)
    assert data.x_train.dtype == np.float32
    np.testing.assert_allclose(data.x_train, 1)  # 255 * 2 / 255 - 1


def test_samples_without_labels_are_for_calibration(tmp_path: Path) -> None:
    data = load(tmp_path, write(tmp_path, x=samples(50)), calibration_samples=30)
    assert len(data.x_calibration) == 30
    assert data.y_train is data.y_validation is None


def test_random_data_say_that_they_are(tmp_path: Path) -> None:
    data = load(tmp_path, "random", input_shape=(5, 3), scale=7)
    assert data.is_random
    assert data.y_train is None
    assert len(data.x_calibration) == 200
    assert np.abs(data.x_calibration).max() <= 1  # in the model's own unit: not scaled


@pytest.mark.parametrize(
    ("found", "wanted"),
    [((8, 8), (8, 8, 1)), ((64,), (8, 8, 1)), ((8, 8), (64,)), ((1, 8, 8), (8, 8, 1))],
)
def test_a_shape_that_can_mean_one_thing_is_taken(
    tmp_path: Path, found: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    source = write(tmp_path, x=samples(20, found), y=np.zeros(20, int))
    assert load(tmp_path, source, input_shape=wanted).x_train.shape[1:] == wanted


def test_a_shape_that_can_mean_two_things_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, x=samples(20, (3, 8, 8)), y=np.zeros(20, int))
    with pytest.raises(InputError, match=r"shape \(3, 8, 8\), the model's input is \(8, 8, 3\)"):
        load(tmp_path, source, input_shape=(8, 8, 3))


def test_one_hot_rows_and_numbers_are_kept(tmp_path: Path) -> None:
    rows = np.eye(3)[np.arange(30) % 3]
    data = load(tmp_path, write(tmp_path, x=samples(30), y=rows))
    assert data.y_train is not None
    assert data.y_train.dtype == np.float32
    assert data.y_train.shape == (24 - 2, 3)  # a fifth to validate, a tenth of 24 to calibrate
    autoencoder = load(tmp_path, write(tmp_path, x=samples(30), y=samples(30)), output_shape=(4,))
    np.testing.assert_array_equal(autoencoder.x_train, autoencoder.y_train)


@pytest.mark.parametrize(
    ("labels", "output_shape", "metric", "expected"),
    [
        (np.arange(40) % 3, (3,), "auto", True),
        (np.eye(3)[np.arange(40) % 3], (3,), "auto", True),
        (np.arange(40) % 2, (1,), "auto", True),
        (np.arange(40) % 2, (1,), "mean_squared_error", False),
        (np.arange(40), (1,), "auto", False),  # whole numbers, as of people in a room
        (np.arange(40) - 20, (1,), "auto", False),
        (np.arange(40) / 40, (1,), "auto", False),
        (np.zeros((40, 4, 4, 1)), (4, 4, 1), "auto", False),
        (np.ones((40, 3)), (3,), "auto", False),  # not one of three
    ],
)
def test_labels_are_classes_or_numbers_for_all_stages(
    tmp_path: Path, labels: np.ndarray, output_shape: tuple[int, ...], metric: str, expected: bool
) -> None:
    source = write(tmp_path, x=samples(40), y=labels)
    data = load(tmp_path, source, output_shape=output_shape, metric=metric)
    assert data.are_classes is expected
    assert data.y_train is not None
    assert (data.y_train.dtype == np.int64) is (expected and labels.ndim == 1)


def test_one_set_alone_does_not_make_numbers_classes(tmp_path: Path) -> None:
    counts = {"y_train": np.arange(40), "y_test": np.arange(10) % 2}
    source = write(tmp_path, x_train=samples(40), x_test=samples(10) + 99, **counts)
    data = load(tmp_path, source, output_shape=(1,))
    assert (data.are_classes, data.y_validation.dtype) == (False, np.float32)


def test_classes_of_pixels_are_to_be_one_hot(tmp_path: Path) -> None:
    pixels = np.zeros((30, 2, 2, 1), int)
    with pytest.raises(
        InputError, match=r"shape \(2, 2, 1\), the model's output is \(2, 2, 5\)"
    ) as error:
        load(tmp_path, write(tmp_path, x=samples(30), y=pixels), output_shape=(2, 2, 5))
    assert error.value.hint is not None
    rows = eval(error.value.hint.partition("=")[2], {"numpy": np, "y": pixels})
    data = load(tmp_path, write(tmp_path, x=samples(30), y=rows), output_shape=(2, 2, 5))
    assert data.y_validation.shape[1:] == (2, 2, 5)


X, Y = samples(30), np.arange(30) % 3
WITH_NAN = np.where(np.arange(120).reshape(30, 4) == 50, np.nan, X)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((0, 4)), "y": np.zeros(0)}, "has no samples"),
        ({"x": WITH_NAN, "y": Y}, "1 of 30 inputs hold NaN or infinity"),
        ({"x": X, "y": np.full(30, np.inf)}, "30 of 30 labels hold NaN or infinity"),
        ({"x": X.astype(str), "y": Y}, "inputs are of the type <U"),
        ({"x": X, "y": np.array(["cat"] * 30)}, "labels are of the type <U3, not numbers"),
        ({"x": X, "y": Y[:29]}, "has 30 inputs and 29 labels"),
        ({"x": X, "y": Y + 1}, r"labels run from 1 to 3, the model has 3 classes \(0 to 2\)"),
        ({"x": X, "y": Y - 1}, "labels run from -1 to 1"),
        ({"x": X, "y": np.zeros((30, 5))}, r"labels have the shape \(5,\), the model's output is"),
        ({"x": X[:2], "y": Y[:2]}, "has 2 samples, 3 is the least"),
        ({"inputs": X}, "has the arrays inputs, not x_train, x or x_test"),
        ({"x": np.array([{}] * 3, object)}, "holds pickled Python objects"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "one of the training and test sets has labels"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_data_that_cannot_be_used_are_refused_in_a_sentence(
    tmp_path: Path, arrays: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load(tmp_path, write(tmp_path, **arrays))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.npz", None, "absent.npz: no such file"),
        ("broken.npz", b"PK\x03\x04 and then nothing", "damaged .npz file"),
        ("empty.npz", b"", "damaged .npz file"),
        ("data.csv", b"1,2", "not a data source that edgekit reads"),
        ("absent", None, "no such file"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load(tmp_path, name)


def test_one_class_a_sample_does_not_fit_an_output_with_several_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"one class number a sample, the model's output is \(6"):
        load(tmp_path, write(tmp_path, x=X, y=Y), output_shape=(6, 3))


def test_class_names_must_be_as_many_as_outputs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data.labels names 2 classes, the model has 3 outputs"):
        load(tmp_path, write(tmp_path, x=X, y=Y), labels=("cat", "dog"))


def hook(folder: Path, body: str) -> str:
    """Write a module of a name of its own that has a function ``give``."""
    name = f"hook_{folder.name.replace('-', '_')}"
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    (folder / f"{name}.py").write_text(f"import numpy as np\n\n\ndef give():\n{lines}")
    return f"{name}:give"


PAIR = "x, y = np.ones((20, 4)) * np.arange(20)[:, None], np.arange(20) % 3\n"


@pytest.mark.parametrize(
    "answer",
    [
        "return x, y",
        "return (x[:12], y[:12]), (x[12:], y[12:])",
        "return {'x_train': x[:12], 'y_train': y[:12], 'x_test': x[12:], 'y_test': y[12:]}",
        "return [x.tolist(), y.tolist()]",
    ],
)
def test_a_users_function_may_answer_in_several_ways(tmp_path: Path, answer: str) -> None:
    data = load(tmp_path, hook(tmp_path, PAIR + answer))
    assert len(data.x_train) + len(data.x_calibration) + len(data.x_validation) == 20
    assert data.y_validation is not None
    np.testing.assert_array_equal(data.x_validation[:, 0] % 3, data.y_validation)


STREAM = """
class Stream:
    element_spec = None
    def cardinality(self):
        return {cardinality}
    def as_numpy_iterator(self):
        return iter({elements})
return Stream()"""


@pytest.mark.parametrize(
    "elements", ["list(zip(x, y))", "[(x[:7], y[:7]), (x[7:14], y[7:14]), (x[14:], y[14:])]"]
)
def test_a_dataset_is_drained_sample_by_sample_or_in_batches(tmp_path: Path, elements: str) -> None:
    body = PAIR + STREAM.format(cardinality=-2, elements=elements)
    data = load(tmp_path, hook(tmp_path, body))
    assert len(data.x_train) + len(data.x_calibration) + len(data.x_validation) == 20


@pytest.mark.parametrize("size", [7, 10, 19])
@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ((8, 8), (8, 8, 1)),
        ((64,), (8, 8, 1)),
        ((8, 8), (64,)),
        ((1, 8, 8), (8, 8, 1)),
        ((), (1,)),
        ((1,), (1,)),
    ],
)
def test_batches_are_drained_whatever_the_last_holds(
    tmp_path: Path, found: tuple[int, ...], wanted: tuple[int, ...], size: int
) -> None:
    body = f"x = np.arange(20.0 * {int(np.prod(found))}).reshape(20, *{found})\n"
    body += "y = np.arange(20) % 3\n"
    elements = f"[(x[i:i + {size}], y[i:i + {size}]) for i in range(0, 20, {size})]"
    body += STREAM.format(cardinality=-2, elements=elements)
    data = load(tmp_path, hook(tmp_path, body), input_shape=wanted, calibration_samples=2)
    first = np.concatenate(
        [
            part.reshape(len(part), -1)[:, 0]
            for part in (data.x_train, data.x_calibration, data.x_validation)
        ]
    )
    assert sorted(first) == [float(i * int(np.prod(found))) for i in range(20)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 5", "gives a int, not samples"),
        ("return {'a': 1}", "gives a, not x_train, x or x_test"),
        ("raise RuntimeError('the disk is wet')", "failed: RuntimeError: the disk is wet"),
        ("import absent_module", "failed: ModuleNotFoundError"),
        ("return [[1, 2], [3]], [1, 2]", "samples are not arrays of one shape"),
        (PAIR + STREAM.format(cardinality=-1, elements="[]"), "never ends"),
        (PAIR + STREAM.format(cardinality=0, elements="[]"), "is empty"),
        (
            PAIR + STREAM.format(cardinality=-2, elements="[(x[:9], y[:9]), (x[9:, :2], y[9:])]"),
            "the elements of the tf.data.Dataset have shapes that cannot be joined",
        ),
    ],
)
def test_a_users_function_that_goes_wrong(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(tmp_path, hook(tmp_path, body))


def test_a_function_that_is_not_there(tmp_path: Path) -> None:
    source = hook(tmp_path, "return 1")
    with pytest.raises(InputError, match="has no function 'giv'") as refusal:
        load(tmp_path, source.removesuffix("e"))
    assert refusal.value.hint == "did you mean 'give'?"
    with pytest.raises(InputError, match=r"no module 'nowhere\.at_all'"):
        load(tmp_path, "nowhere.at_all:give")


def picture(path: Path, size: tuple[int, int], colour: tuple[int, int, int]) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def test_a_folder_of_images_by_class(tmp_path: Path) -> None:
    for number in range(6):
        picture(tmp_path / "photos" / "red" / f"{number}.png", (10, 20), (255, 0, 0))
        picture(tmp_path / "photos" / "blue" / f"{number}.bmp", (7, 7), (0, 0, 255))
    shapes = {"input_shape": (8, 8, 3), "output_shape": (2,)}
    data = load(tmp_path, "photos", **shapes)
    assert data.y_train is not None
    # classes by name: blue is 0, red 1
    np.testing.assert_array_equal(data.x_train[:, 4, 4, 0] / 255, data.y_train)
    named = load(tmp_path, "photos", labels=("red", "blue"), **shapes)
    np.testing.assert_array_equal(named.x_train[:, 4, 4, 2] / 255, named.y_train)
    grey = load(tmp_path, "photos", input_shape=(8, 8, 1), output_shape=(2,))
    # ITU-R 601: 0.299 red, 0.114 blue
    assert set(np.unique(grey.x_train)) == {round(0.299 * 255), round(0.114 * 255)}


def test_a_folder_with_a_test_set(tmp_path: Path) -> None:
    for number in range(8):
        picture(tmp_path / "p" / "train" / f"{number % 2}" / f"{number}.png", (4, 4), (number,) * 3)
    picture(tmp_path / "p" / "test" / "1" / "a.png", (4, 4), (99, 99, 99))
    data = load(tmp_path, "p", input_shape=(4, 4, 1), output_shape=(2,))
    assert data.x_validation.max() == 99
    assert data.y_validation is not None
    assert data.y_validation.tolist() == [1]


def test_images_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    with pytest.raises(InputError, match="has no folder of images for each class"):
        load(tmp_path, "flat", input_shape=(4, 4, 1))
    (tmp_path / "flat" / "cat").mkdir()
    with pytest.raises(InputError, match=r"has no \.png, \.jpg or \.bmp image"):
        load(tmp_path, "flat", input_shape=(4, 4, 1))
    (tmp_path / "flat" / "cat" / "a.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"a\.png: cannot be read as an image"):
        load(tmp_path, "flat", input_shape=(4, 4, 1))
    with pytest.raises(InputError, match=r"the model's input \(4,\) is not an image"):
        load(tmp_path, "flat")
    with pytest.raises(InputError, match="'cat' is not one of the classes"):
        load(tmp_path, "flat", input_shape=(4, 4, 1), labels=("dog", "cow", "hen"))
