from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from datasets.downloads import CATALOG, Download
from datasets.fetch import FetchError, fetch
from datasets.sensors import find_sensor
from datasets.sets import cave
from datasets.sets.all_sets import SETS
from methods.supervised.psrt.released_weights import RELEASED


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path != "/cut":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x" * 400)  # and hangs up
        return None


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which its files are served on this machine."""
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patched:
        for name in ("no_proxy", "NO_PROXY"):  # where a proxy is set, it does not reach this machine's own server
            patched.setenv(name, "127.0.0.1")
        yield from _serve(folder)


def _serve(folder: Path) -> Iterator[tuple[Path, str]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def offered(served: tuple[Path, str], name: str, content: bytes, **change: object) -> dict[str, Download]:
    """The catalog with one entry served here, its checksum that of `content` unless changed."""
    (served[0] / name).write_bytes(content)
    entry = CATALOG[name]
    known = None if entry.sha256 is None else hashlib.sha256(content).hexdigest()
    return {name: replace(entry, **{"url": f"{served[1]}/{name}", "sha256": known, **change})}


def files_below(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def cave_zip(prefix: str, scenes: tuple[str, ...] = cave.SCENES, bands: int = cave.BANDS) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for scene in scenes:
            for band in range(1, bands + 1):
                archive.writestr(f"{prefix}{scene}_ms/{scene}_ms/{scene}_ms_{band:02d}.png", f"image {band}")
    return packed.getvalue()


def test_a_file_with_the_right_checksum_lies_at_its_target_and_is_not_fetched_twice(served: tuple[Path, str], tmp_path: Path) -> None:
    catalog = offered(served, "mossfuse_checkpoint", b"weights" * 50_000)
    seen: list[tuple[int, int]] = []
    path = fetch("mossfuse_checkpoint", tmp_path, catalog=catalog, progress=lambda had, total: seen.append((had, total)))
    assert path == tmp_path / "weights" / "mossfuse_official_cave_x32.pth"
    assert path.read_bytes() == b"weights" * 50_000
    assert files_below(tmp_path) == [path]
    assert seen[-1] == (350_000, 350_000)
    assert all(had <= total for had, total in seen)
    (served[0] / "mossfuse_checkpoint").unlink()
    assert fetch("mossfuse_checkpoint", tmp_path, catalog=catalog) == path


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("psrt-cave-x4", "psrt_cave_x4.pth"),
        ("psrt-cave-x8", "psrt_cave_x8.pth"),
        ("psrt-harvard-x4", "psrt_harvard_x4.pth"),
        ("psrt-hiftool-cave-x32", "psrt_hiftool_cave_x32.pth"),
        ("psrt-hiftool-harvard-x32", "psrt_hiftool_harvard_x32.pth"),
        ("sfno-cave-x4", "sfno_cave_x4_torchscript.pt"),
    ],
)
def test_released_weights_lie_where_parameters_look_for_them(served: tuple[Path, str], tmp_path: Path, name: str, file: str) -> None:
    entry = CATALOG[name]
    commit = entry.url.split("/")[5]
    assert len(commit) == 40  # pinned, so that the checksum stays right
    assert set(commit) <= set("0123456789abcdef")
    assert entry.sha256 is not None
    assert fetch(name, tmp_path, catalog=offered(served, name, b"weights")) == tmp_path / "weights" / file
    with pytest.raises(FetchError, match="expected the file with sha256"):
        fetch(name, tmp_path / "other", catalog=offered(served, name, b"weights", sha256=entry.sha256))
    assert files_below(tmp_path) == [tmp_path / "weights" / file]


def test_the_weights_that_psrt_knows_are_those_that_can_be_fetched() -> None:
    known = {entry.sha256 for name, entry in CATALOG.items() if name.startswith("psrt-")}
    assert known == set(RELEASED)


def test_a_wrong_checksum_leaves_no_file(served: tuple[Path, str], tmp_path: Path) -> None:
    catalog = offered(served, "mossfuse_checkpoint", b"weights", sha256="0" * 64)
    with pytest.raises(FetchError, match="expected the file with sha256 0000"):
        fetch("mossfuse_checkpoint", tmp_path, catalog=catalog)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("path", ["cut", "absent"])
def test_a_server_that_hangs_up_or_has_no_such_file_leaves_no_file(served: tuple[Path, str], tmp_path: Path, path: str) -> None:
    catalog = {"cave": replace(CATALOG["cave"], url=f"{served[1]}/{path}")}
    with pytest.raises(FetchError, match=r"check the connection"):
        fetch("cave", tmp_path, catalog=catalog)
    assert files_below(tmp_path) == []


def test_another_file_in_the_place_of_a_known_one_is_refused(tmp_path: Path) -> None:
    target = tmp_path / CATALOG["mossfuse_checkpoint"].target
    target.parent.mkdir()
    target.write_bytes(b"something else")
    with pytest.raises(FetchError, match="move it away"):
        fetch("mossfuse_checkpoint", tmp_path)


@pytest.mark.parametrize("prefix", ["", "complete_ms_data/"])
def test_the_zip_of_cave_is_unpacked_to_where_scenes_are_looked_for(served: tuple[Path, str], tmp_path: Path, prefix: str) -> None:
    path = fetch("cave", tmp_path, catalog=offered(served, "cave", cave_zip(prefix)))
    assert path == tmp_path / "cave"
    for scene in cave.SCENES:
        folder = cave.scene_folder(path, scene)
        assert folder is not None
        assert [file.read_text() for file in cave.band_files(folder, scene)] == [f"image {band}" for band in range(1, 32)]
    assert len(files_below(tmp_path)) == 32 * 31


def test_a_truncated_or_spoilt_zip_leaves_no_file(served: tuple[Path, str], tmp_path: Path) -> None:
    whole = cave_zip("")
    spoilt = bytearray(whole)
    spoilt[60:70] = b"\xff" * 10
    for content in (whole[: len(whole) // 2], whole[:-30], b"", bytes(spoilt)):
        with pytest.raises(FetchError, match="expected a whole zip archive"):
            fetch("cave", tmp_path, catalog=offered(served, "cave", content))
        assert files_below(tmp_path) == []


def test_a_zip_that_lacks_scenes_or_bands_leaves_no_file(served: tuple[Path, str], tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="an archive without watercolors"):
        fetch("cave", tmp_path, catalog=offered(served, "cave", cave_zip("", cave.SCENES[:-1])))
    with pytest.raises(FetchError, match=r"balloons_ms_31\.png missing"):
        fetch("cave", tmp_path, catalog=offered(served, "cave", cave_zip("", bands=30)))
    assert files_below(tmp_path) == []


def test_the_response_matrix_becomes_a_sensor_file(served: tuple[Path, str], tmp_path: Path) -> None:
    matrix = np.random.default_rng(1).random((3, 31))
    packed = io.BytesIO()
    scipy.io.savemat(packed, {"resp": matrix})
    path = fetch("nikon_d700", tmp_path, catalog=offered(served, "nikon_d700", packed.getvalue()))
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# source: ")
    assert lines[1] == "wavelength_nm,r,g,b"
    table = np.loadtxt(path, delimiter=",", skiprows=2)
    assert table[:, 0].tolist() == [400.0 + 10 * band for band in range(31)]
    assert np.allclose(table[:, 1:].T, matrix, rtol=1e-9)
    assert find_sensor("nikon_d700_mossfuse_31", tmp_path / "srf").channels == ("r", "g", "b")


def test_a_response_matrix_of_another_shape_leaves_no_file(served: tuple[Path, str], tmp_path: Path) -> None:
    packed = io.BytesIO()
    scipy.io.savemat(packed, {"resp": np.ones((31, 3))})
    with pytest.raises(FetchError, match=r"3 x 31, got \(31, 3\)"):
        fetch("nikon_d700", tmp_path, catalog=offered(served, "nikon_d700", packed.getvalue()))
    assert files_below(tmp_path) == []


def test_the_real_matrix_gives_the_table_of_the_data_root(data_root: Path, served: tuple[Path, str], tmp_path: Path) -> None:
    if not (data_root / "srf" / "resp.mat").is_file():
        pytest.skip("needs srf/resp.mat in the data root")
    content = (data_root / "srf" / "resp.mat").read_bytes()
    path = fetch("nikon_d700", tmp_path, catalog=offered(served, "nikon_d700", content, sha256=CATALOG["nikon_d700"].sha256))
    expected = np.loadtxt(data_root / "srf" / "nikon_d700_mossfuse_31.csv", delimiter=",", skiprows=2)
    assert np.allclose(np.loadtxt(path, delimiter=",", skiprows=2), expected, atol=5e-7)


def test_an_unknown_name_is_an_error_that_names_the_entries(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"expected one of cave, .*, nikon_d700, mossfuse_checkpoint, .*, sfno-cave-x4, got 'nikkon'"):
        fetch("nikkon", tmp_path)


def test_every_entry_says_its_size_and_its_licence() -> None:
    assert all(entry.size and entry.licence and entry.url.startswith("https://") for entry in CATALOG.values())


def muufl_zip(content: bytes, member: str = CATALOG["muufl"].member) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("MUUFLGulfport-0.1/README.md", "of no use here")
        archive.writestr(member, content)
    return packed.getvalue()


def test_of_a_zip_one_member_is_kept_whose_checksum_is_compared(served: tuple[Path, str], tmp_path: Path) -> None:
    known = hashlib.sha256(b"the image").hexdigest()
    path = fetch("muufl", tmp_path, catalog=offered(served, "muufl", muufl_zip(b"the image"), sha256=known))
    assert files_below(tmp_path) == [path] == [tmp_path / "muufl" / "muufl_gulfport_campus_1_hsi_220_label.mat"]
    assert path.read_bytes() == b"the image"
    path.write_bytes(b"another one")
    with pytest.raises(FetchError, match="move it away"):
        fetch("muufl", tmp_path, catalog=offered(served, "muufl", muufl_zip(b"the image"), sha256=known))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (muufl_zip(b"another image"), "expected MUUFLGulfport-0.1/.* with sha256 0000"),
        (muufl_zip(b"the image", "MUUFLGulfport-0.2/a.mat"), "the release has changed"),
        (b"no zip at all", "a whole zip archive"),
        (muufl_zip(b"the image" * 500)[:150], "a whole zip archive"),
    ],
)
def test_a_zip_without_the_right_member_leaves_no_file(served: tuple[Path, str], tmp_path: Path, content: bytes, text: str) -> None:
    with pytest.raises(FetchError, match=text):
        fetch("muufl", tmp_path, catalog=offered(served, "muufl", content, sha256="0" * 64))
    assert files_below(tmp_path) == []


def test_what_is_fetched_lies_where_a_named_set_looks_for_it() -> None:
    for name, entry in CATALOG.items():
        if name in SETS and name != "cave":
            patterns = [pattern.removeprefix("**/") for scene in SETS[name].scenes for pattern in scene.files]
            assert entry.target.startswith(f"{name}/")
            assert entry.target.removeprefix(f"{name}/") in patterns
