import numpy as np
import pytest

from models.additive import (
    BEND,
    SCORE_MAX,
    Additive,
    Scale,
    best_threshold,
    left_out,
    probability,
    unseen,
    unseen_logits,
)
from models.evaluation import GroupOnBothSidesError, auc, f1

RANDOM = np.random.default_rng(5)
VALUES = RANDOM.normal(0, 1, (300, 3))
CURVED = np.abs(VALUES[:, 0]) + VALUES[:, 1] > 0.8  # the third value has nothing to do with it


def test_normal_scores_are_those_of_a_normal_variable_and_end_at_three() -> None:
    values = np.arange(1_001.0)[:, None] ** 3
    scores = Scale.of(values).scores(np.array([[500.0**3], [841.0**3], [-1e9], [2e9]]))
    assert scores[:, 0] == pytest.approx([0, 1, -SCORE_MAX, SCORE_MAX], abs=0.1)
    assert scores[2:, 0].tolist() == [-SCORE_MAX, SCORE_MAX]


def test_a_curved_effect_is_learned_and_what_has_none_gets_little() -> None:
    model = Additive.fit(VALUES, CURVED)
    unseen = np.random.default_rng(6).normal(0, 1, (500, 3))
    assert auc(model.logits(unseen), np.abs(unseen[:, 0]) + unseen[:, 1] > 0.8) > 0.93
    at = np.array([-2.0, 0.0, 2.0])[:, None] * np.ones(3)
    low, middle, high = model.effects(at)
    assert min(low[0], high[0]) > middle[0] + 0.5
    assert high[1] > low[1] + 0.5
    assert abs(high[2] - low[2]) < 0.25


def test_effects_sum_to_the_logit() -> None:
    model = Additive.fit(VALUES, CURVED)
    effects = model.effects(model.scale.scores(VALUES))
    assert effects.sum(axis=1) == pytest.approx(model.logits(VALUES), abs=1e-4)


def test_probability_of_a_logit() -> None:
    assert probability(np.array([0.0, np.log(3)])) == pytest.approx([0.5, 0.75])


def test_labels_that_mean_nothing_are_not_learned_from_the_own_group() -> None:
    groups = np.repeat(np.arange(30), 10)
    labels = (groups % 2).astype(np.bool_)
    values = RANDOM.normal(0, 0.1, (300, 5)) + np.random.default_rng(8).normal(0, 3, (30, 5))[groups]
    assert auc(Additive.fit(values, labels).logits(values), labels) > 0.9
    assert auc(unseen_logits(values, labels, groups, groups), labels) < 0.75


def test_a_group_in_two_folds_is_refused() -> None:
    with pytest.raises(GroupOnBothSidesError):
        unseen_logits(VALUES, CURVED, np.zeros(300), np.arange(300) % 2)


def test_what_a_mirror_turns_round_is_not_learned() -> None:
    fold = np.arange(300) % 3
    labels = VALUES[:, 0] > 0
    told = unseen_logits(VALUES, labels, fold, fold)
    mirrored = unseen_logits(VALUES, labels, fold, fold, VALUES * (-1, 1, 1))
    assert auc(told, labels) > 0.95
    assert np.abs(mirrored).mean() < np.abs(told).mean() / 4
    assert 0.3 < auc(mirrored, labels) < 0.7


def test_nothing_but_the_share_is_learned_from_values_that_mean_nothing() -> None:
    labels = np.arange(300) % 10 > 0
    likely = probability(Additive.fit(VALUES, labels).logits(VALUES))
    assert likely.mean() == pytest.approx(0.9, abs=0.01)


def test_leaving_a_group_out_is_about_what_a_model_without_it_says() -> None:
    groups = np.arange(300) % 10
    labels = np.random.default_rng(9).random(300) < probability(2 * VALUES[:, 0])
    rows = Scale.of(VALUES).scores(VALUES)
    kernel = np.mean([np.exp(-BEND * (column[:, None] - column) ** 2) for column in rows.T], axis=0)
    model = Additive.fit(VALUES, labels)
    guessed = left_out(kernel, model.weights, labels, groups)
    told = unseen_logits(VALUES, labels, groups, groups)
    assert np.abs(guessed - told).mean() < 0.05
    assert np.abs(model.logits(VALUES) - told).mean() > 3 * np.abs(guessed - told).mean()


THRESHOLDS = [
    ([0.0, 1.0, 2.0, 3.0], [False, False, True, True], 1.0),
    ([0.0, 1.0, 2.0, 3.0], [False, True, False, True], 0.0),
    ([0.0, 1.0, 2.0, 3.0], [True, True, False, False], 0.0),
    ([1.0, 1.0, 5.0], [False, False, True], 1.0),
]


@pytest.mark.parametrize(("logits", "labels", "threshold"), THRESHOLDS)
def test_the_best_threshold(logits: list[float], labels: list[bool], threshold: float) -> None:
    assert best_threshold(np.array(logits), np.array(labels)) == threshold


def test_the_threshold_of_a_fold_rests_on_the_labels_of_the_others() -> None:
    fold = np.arange(300) % 3
    rare = np.abs(VALUES[:, 0]) > 1.7
    judged = unseen(VALUES, rare, fold, fold)
    turned = unseen(VALUES, np.where(fold == 0, ~rare, rare), fold, fold)
    assert judged.thresholds[0] == turned.thresholds[0] != turned.thresholds[1]
    assert (judged.logits[fold == 0] == turned.logits[fold == 0]).all()
    assert f1(judged.flagged, rare) > f1(judged.logits > 0, rare)


def test_a_mirror_image_is_left_out_together_with_its_original() -> None:
    fold = np.arange(300) // 150
    labels = RANDOM.random(300) < 0.3
    judged = unseen(VALUES, labels, fold, fold, VALUES)
    twice, both = np.concatenate([VALUES[150:], VALUES[150:]]), np.tile(labels[150:], 2)
    _, together = Additive.with_threshold(twice, both, np.tile(fold[150:], 2))
    _, apart = Additive.with_threshold(twice, both, np.arange(300))
    assert judged.thresholds[0] == together != apart
