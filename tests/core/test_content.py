"""A stamp changes when files are written, a digest when they hold something else."""

import os
from pathlib import Path

import numpy as np

from becalm.files.content import digest, stamp
from becalm.train.split import spread


def test_a_stamp_sees_names_sizes_and_times_at_any_depth(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b"
    file.parent.mkdir()
    stamps = [stamp(tmp_path)]
    file.write_text("x")
    stamps.append(stamp(tmp_path))
    file.write_text("xy")
    stamps.append(stamp(tmp_path))
    os.utime(file, ns=(1, 1))
    stamps += [stamp(tmp_path), stamp(file), stamp(tmp_path / "none")]
    assert len(set(stamps)) == len(stamps)
    assert stamp(tmp_path) == stamps[3]


def test_a_digest_sees_types_shapes_and_order() -> None:
    numbers = np.arange(6)
    different = [
        (numbers,),
        (numbers.reshape(2, 3),),
        (numbers[::-1],),
        (numbers.astype(np.int32),),
        (b"", b"a"),
        (b"a", b""),
    ]
    assert len({digest(*parts) for parts in different}) == len(different)
    assert digest(np.asfortranarray(numbers.reshape(2, 3))) == digest(numbers.reshape(2, 3))


def test_a_share_is_spread_evenly_and_never_all() -> None:
    assert spread(30, 0.1) == [9, 19, 29]
    for count in (0, 1, 7, 100):
        for share in (0.0, 0.01, 0.3, 0.7, 0.99):
            kept = spread(count, share)
            assert len(kept) == int(round(share * 100) * count / 100) and len(kept) < max(count, 1)
            gaps = np.diff([-1, *kept])
            assert len(kept) < 2 or gaps[1:].max() - gaps[1:].min() <= 1
