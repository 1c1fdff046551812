# Floor 4: imports come from the floors below.
"""Probability distributions with PyTorch's names: draws, log probabilities, entropies, divergences.

>>> policy = mg.distributions.Categorical(logits=mg.zeros(4))
>>> policy.entropy(), policy.log_prob(mg.tensor(2))
(tensor(1.3863), tensor(-1.3863))
"""

from .bernoulli import Bernoulli
from .categorical import Categorical
from .distribution import Distribution
from .divergence import kl_divergence, register_kl
from .normal import Normal

__all__ = ["Bernoulli", "Categorical", "Distribution", "Normal", "kl_divergence", "register_kl"]
