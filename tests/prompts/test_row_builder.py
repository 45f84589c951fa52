"""Identical requests of one file get different takes."""

from dailies.prompts.row_builder import Takes


def key(take: int) -> str:
    return f"fox-{take}"


def test_takes_count_from_one() -> None:
    takes = Takes()
    assert [takes.assign(key) for _ in range(3)] == [(1, "fox-1"), (2, "fox-2"), (3, "fox-3")]


def test_lowest_free_takes_are_given_around_the_reserved_ones() -> None:
    takes = Takes()
    for take in (1, 3, 4):
        takes.reserve([key(take)], line=take)
    assert [takes.assign(key)[0] for _ in range(3)] == [2, 5, 6]


def test_different_requests_do_not_share_numbers() -> None:
    takes = Takes()
    takes.assign(key)
    assert takes.assign(lambda take: f"owl-{take}") == (1, "owl-1")


def test_second_reservation_names_the_line_of_the_first() -> None:
    takes = Takes()
    assert takes.reserve([key(2)], line=5) is None
    assert takes.reserve([key(2)], line=9) == 5


def test_many_identical_requests_do_not_search_from_the_start_each_time() -> None:
    asked: list[int] = []

    def counting_key(take: int) -> str:
        asked.append(take)
        return key(take)

    takes = Takes()
    assert [takes.assign(counting_key)[0] for _ in range(1000)] == list(range(1, 1001))
    assert len(asked) < 3000
