"""Seeded scenarios: walking skeletons and purchases with the truth about them."""

from models.scenarios.generate import EPOCH_MS, Scenario, Sighting, Visit, generate

__all__ = ["EPOCH_MS", "Scenario", "Sighting", "Visit", "generate"]
