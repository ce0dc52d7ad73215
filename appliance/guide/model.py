"""A small Llama in PyTorch: what llama.cpp's `llama` architecture computes, for training."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    """Dimensions of the network; `width` and `feed_forward` are multiples of 32 for Q8_0."""

    vocabulary: int
    width: int = 256
    layers: int = 3
    heads: int = 8
    kv_heads: int = 4
    feed_forward: int = 640
    context: int = 2048
    rope_base: float = 10000.0
    norm_epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


class Attention(nn.Module):
    """Grouped-query attention with rotary positions on interleaved pairs."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv_width = shape.kv_heads * shape.head_width
        self.q = nn.Linear(shape.width, shape.width, bias=False)
        self.k = nn.Linear(shape.width, kv_width, bias=False)
        self.v = nn.Linear(shape.width, kv_width, bias=False)
        self.output = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Map (batch, time, width) to the same shape, causally."""
        batch, time, width = x.shape
        q, k, v = (
            part.view(batch, time, -1, self.shape.head_width).transpose(1, 2)
            for part in (self.q(x), self.k(x), self.v(x))
        )
        group = self.shape.heads // self.shape.kv_heads
        q = _rotate(q, cos, sin)
        k = _rotate(k, cos, sin).repeat_interleave(group, dim=1)
        v = v.repeat_interleave(group, dim=1)
        # Spelled out: on a CPU the gradient of the fused function takes several times as long.
        later = torch.full((time, time), -torch.inf).triu(1)
        scores = q @ k.transpose(-1, -2) * self.shape.head_width**-0.5 + later
        mixed = scores.softmax(dim=-1).to(v.dtype) @ v
        return self.output(mixed.transpose(1, 2).reshape(batch, time, width))


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate pairs (0, 1), (2, 3), ... as llama.cpp does for this architecture."""
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1)
    return turned.flatten(-2).to(x.dtype)


class Block(nn.Module):
    """Attention and a gated feed-forward network, each behind a norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        self.attention = Attention(shape)
        self.norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        self.gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Map (batch, time, width) to the same shape."""
        x = x + self.attention(self.attention_norm(x), cos, sin)
        normed = self.norm(x)
        return x + self.down(functional.silu(self.gate(normed)) * self.up(normed))


class GuideNetwork(nn.Module):
    """Token ids to hidden states; the embedding is also the output matrix."""

    def __init__(self, shape: Shape, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        self.dropout = nn.Dropout(dropout)
        self.apply(_initialise)
        for block in self.blocks:
            for last in (block.attention.output, block.down):
                nn.init.normal_(last.weight, std=0.03 / (2 * shape.layers) ** 0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, time) of token ids to normed hidden states (batch, time, width)."""
        cos, sin = self._angles(tokens.shape[1])
        x = self.dropout(self.embedding(tokens))
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """Map hidden states (..., width) to scores of tokens (..., vocabulary)."""
        return functional.linear(hidden, self.embedding.weight)

    def _angles(self, time: int) -> tuple[Tensor, Tensor]:
        width = self.shape.head_width
        frequency = self.shape.rope_base ** -(torch.arange(0, width, 2) / width)
        angles = torch.outer(torch.arange(time), frequency)
        return angles.cos(), angles.sin()


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.03)
