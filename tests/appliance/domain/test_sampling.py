from __future__ import annotations

from appliance.domain.sampling import Sampling


def test_what_was_said_wins_over_the_defaults() -> None:
    defaults = Sampling(temperature=0.7, top_k=40, logit_bias=((1, 2.0),))
    mixed = Sampling(temperature=0.0, seed=3).over(defaults)
    assert mixed == Sampling(temperature=0.0, top_k=40, seed=3, logit_bias=((1, 2.0),))


def test_a_bias_replaces_the_default_one() -> None:
    defaults = Sampling(logit_bias=((1, 2.0),))
    assert Sampling(logit_bias=((5, 1.0),)).over(defaults).logit_bias == ((5, 1.0),)


def test_choices_of_one_seed_differ_and_can_be_had_again() -> None:
    seeded = Sampling(seed=2**32 - 2)
    seeds = [seeded.for_choice(index).seed for index in range(4)]
    assert seeds[0] == 2**32 - 2
    assert len(set(seeds)) == 4
    assert seeds == [seeded.for_choice(index).seed for index in range(4)]


def test_no_choice_gets_the_seed_that_means_a_random_one() -> None:
    assert {Sampling(seed=2**32 - 2).for_choice(i).seed for i in range(4)}.isdisjoint({2**32 - 1})


def test_without_a_seed_choices_differ_by_themselves() -> None:
    assert Sampling(top_p=0.5).for_choice(3) == Sampling(top_p=0.5)
