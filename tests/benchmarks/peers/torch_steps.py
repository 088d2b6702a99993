"""Epochs of PyTorch as its users write them: an eager loop, batches by index, the fused Adam."""

import numpy as np
import torch
from serving import Task, given, serve
from torch import nn


class InKerasOrder(nn.Module):
    """Flattens pictures (channels, height, width) as Keras does, channels last."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


def dense(task: Task, name: str) -> nn.Linear:
    kernel = task[f"{name}/kernel"]
    layer = nn.Linear(*kernel.shape)
    return filled(layer, kernel.T, task[f"{name}/bias"])


def convolution(task: Task, name: str) -> nn.Conv2d:
    kernel = task[f"{name}/kernel"]
    height, _, channels, filters = kernel.shape
    layer = nn.Conv2d(channels, filters, height, padding="same")
    return filled(layer, kernel.transpose(3, 2, 0, 1), task[f"{name}/bias"])


def filled(layer, kernel: np.ndarray, bias: np.ndarray):
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(kernel))
        layer.bias.copy_(torch.tensor(bias))
    return layer


def norm(task: Task, name: str, kind: type) -> list[nn.Module]:
    """Return the norm, if the arm has one, and the activation.

    PyTorch's moving variance is unbiased, Keras's is not; training never reads it.
    """
    if f"{name}/gamma" not in task:
        return [nn.ReLU()]
    momentum, epsilon = float(task["momentum"]), float(task["epsilon"])
    width = len(task[f"{name}/gamma"])
    return [kind(width, eps=epsilon, momentum=1 - momentum), nn.ReLU()]


def network(task: Task) -> nn.Sequential:
    if "conv_0/kernel" in task:
        layers = [
            *(convolution(task, "conv_0"), *norm(task, "norm_0", nn.BatchNorm2d), nn.MaxPool2d(2)),
            *(convolution(task, "conv_1"), *norm(task, "norm_1", nn.BatchNorm2d), nn.MaxPool2d(2)),
            *(InKerasOrder(), dense(task, "dense"), *norm(task, "norm_2", nn.BatchNorm1d)),
        ]
    else:
        layers = [
            *(nn.Flatten(), dense(task, "dense_0"), *norm(task, "norm_0", nn.BatchNorm1d)),
            *(dense(task, "dense_1"), *norm(task, "norm_1", nn.BatchNorm1d)),
        ]
    return nn.Sequential(*layers, dense(task, "logits")).to(memory_format=torch.channels_last)


def main() -> None:
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    task = given()
    images = torch.tensor(task["images"]).permute(0, 3, 1, 2)  # channels last in memory
    labels = torch.tensor(task["labels"])
    model = network(task).train()
    optimizer = torch.optim.Adam(
        model.parameters(),
        lr=float(task["learning_rate"]),
        betas=(float(task["beta_1"]), float(task["beta_2"])),
        eps=float(task["adam_epsilon"]),
        fused=True,
    )
    norms = [layer for layer in model if hasattr(layer, "running_mean")]

    def epoch(chosen: np.ndarray) -> tuple[np.ndarray, int]:
        losses, hits = torch.empty(len(chosen)), torch.zeros((), dtype=torch.int64)
        for step, rows in enumerate(torch.from_numpy(chosen)):
            targets = labels[rows]
            optimizer.zero_grad()
            logits = model(images[rows])
            loss = nn.functional.cross_entropy(logits, targets)
            loss.backward()
            optimizer.step()
            losses[step] = loss.detach()
            hits += (logits.argmax(1) == targets).sum()
        return losses.numpy(), int(hits)

    def moving_mean() -> np.ndarray | None:
        return norms[0].running_mean.numpy().copy() if norms else None

    serve(task, epoch, moving_mean, torch.__version__)


if __name__ == "__main__":
    main()
