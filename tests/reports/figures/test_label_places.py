"""Where names stand: clear of each other wherever a place is, and shared areas against counting of cells."""

from __future__ import annotations

from itertools import combinations

import pytest

from reports.figures.label_places import Extent, NamePlace, choose_place, extent_beside, shared_area

Cells = tuple[int, int, int, int]
FRAME = (0.0, 0.0, 300.0, 120.0)


def placed(points: list[tuple[float, float]], size: tuple[float, float] = (70.0, 11.0), radius: float = 4.0) -> list[NamePlace]:
    marks = [extent_beside(point, (2 * radius, 2 * radius), (0, 0)) for point in points]
    names: list[Extent] = []
    places = []
    for number, point in enumerate(points):
        others = [mark for place, mark in enumerate(marks) if place != number]
        places.append(choose_place(point, radius, size, solid=[*names, *others], thin=(), frame=FRAME, gaps=(3.0, 15.0)))
        names.append(places[-1].extent)
    return places


def test_a_lone_name_stands_to_the_right_of_its_point() -> None:
    (place,) = placed([(50.0, 60.0)])
    assert place.way == (1, 0)
    assert place.extent == pytest.approx((57.0, 54.5, 127.0, 65.5))
    assert not place.far


def test_a_name_at_the_right_edge_stands_to_the_left() -> None:
    (place,) = placed([(280.0, 60.0)])
    assert place.way == (-1, 0)
    assert place.extent[2] == pytest.approx(273.0)


def test_names_of_near_points_do_not_overlap_and_stay_inside() -> None:
    """As of R-FUSE with two ranks and kriging, whose names lay over one another on the page."""
    places = placed([(100.0, 60.0), (109.0, 66.0), (190.0, 66.0), (104.0, 30.0)])
    for one, other in combinations([place.extent for place in places], 2):
        assert shared_area(one, other) == 0
    for left, low, right, high in (place.extent for place in places):
        assert 0 <= left <= right <= 300
        assert 0 <= low <= high <= 120


@pytest.mark.parametrize("other", [(3, 2, 9, 5), (0, 0, 4, 4), (7, 1, 8, 9), (20, 20, 30, 31)])
def test_the_shared_area_is_the_number_of_shared_cells(other: Cells) -> None:
    def cells(box: Cells) -> set[tuple[int, int]]:
        return {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}

    left, low, right, high = map(float, other)
    assert shared_area((2.0, 1.0, 8.0, 4.0), (left, low, right, high)) == pytest.approx(len(cells((2, 1, 8, 4)) & cells(other)))
