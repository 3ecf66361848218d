"""`lhrcnn data show --augmented`: the batches of a training, drawn."""
from PIL import Image


def show(lhrcnn, path, out, *words):
    return lhrcnn("data", "show", path, "--out", out, *words)


def test_training_images_as_the_network_gets_them(lhrcnn, labelimg, tmp_path):
    options = ("--augmented", "--cfg", "photos_s", "--count", 25, "SCALES=[96,128]", "TRAIN.RANDOM_CROP=1",
               "TRAIN.PHOTOMETRIC=1")
    status, printed, error = show(lhrcnn, labelimg, tmp_path / "a", *options)
    assert status == 0 and error == "" and "25 training images" in printed
    lines = [line.split("\t") for line in (tmp_path / "a" / "images.txt").read_text().splitlines()]
    assert [line[0] for line in lines] == [f"{number:04}.jpg" for number in range(1, 26)]
    assert all(line[2] == "128 x 96" and int(line[4].split()[0]) >= 1 for line in lines)
    assert {"mirrored" in line[3] for line in lines} == {False, True}
    assert all(float(line[3].split(",")[0].split()[1]) >= 1.59 for line in lines)
    with Image.open(tmp_path / "a" / "0001.jpg") as picture:
        assert picture.size == (128, 96)
    assert len(list((tmp_path / "a").glob("sheet-*.jpg"))) == 3
    show(lhrcnn, labelimg, tmp_path / "b", *options)
    show(lhrcnn, labelimg, tmp_path / "c", *options, "--seed", 1)
    texts = [(tmp_path / name / "images.txt").read_text() for name in "abc"]
    assert texts[0] == texts[1] != texts[2]


def test_mistakes_of_the_command_line(lhrcnn, labelimg, tmp_path):
    def error_of(*words):
        status, _, error = show(lhrcnn, labelimg, tmp_path / "x", *words)
        assert status == 2
        return error

    assert "name a configuration" in error_of("--augmented")
    assert "not allowed with" in error_of("--augmented", "--compare", "run")
    assert "--class does not go with" in error_of("--augmented", "--cfg", "photos_s", "--class", "cat")
    assert "for --augmented alone" in error_of("--cfg", "photos_s")
    assert "for --augmented alone" in error_of("TRAIN.FLIP=false")
    assert "TRAIN.RANDOM_CROP must be from 0 to 1" in error_of(
        "--augmented", "--cfg", "photos_s", "TRAIN.RANDOM_CROP=2")
    assert "TRAIN.SCALE_JITTER must be two factors above 0, the lower one first" in error_of(
        "--augmented", "--cfg", "photos_s", "TRAIN.SCALE_JITTER=[2,1]")
    assert not (tmp_path / "x").exists()
