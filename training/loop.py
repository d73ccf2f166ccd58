"""The training loop that both models share: AdamW, a schedule by the clock, averaged weights, a log."""

import copy
import json
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

PEAK_RATE = 2e-3
WARM_UP_STEPS = 50
AVERAGE_DECAY = 0.999
LOG_SECONDS = 20


def pick_device():
    try:
        torch.zeros(1, device="cuda") + 1
        return torch.device("cuda")
    except (RuntimeError, AssertionError):
        return torch.device("cpu")


def average_into(target, source, step):
    decay = min(AVERAGE_DECAY, (1 + step) / (10 + step))
    for a, b in zip(target.state_dict().values(), source.state_dict().values()):
        if a.dtype.is_floating_point:
            a.mul_(decay).add_(b, alpha=1 - decay)
        else:
            a.copy_(b)


def train(network, loss_of_batch, batch_size, seconds, folder, settings, tick=lambda: None, peak_rate=PEAK_RATE):
    """Trains for `seconds` of wall clock; writes weights.pt (averaged) and log.json to the folder, also while it runs.

    On a CPU each core takes its share of the batch and they meet once a step: threads that meet at every
    layer stall where the cores are shared with other work. loss_of_batch(network, count, random) draws its own batch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_flush_denormal(True)
    parameters = list(network.parameters())
    workers = 1 if parameters[0].is_cuda else os.cpu_count()
    randoms = [np.random.default_rng([7, worker]) for worker in range(workers)]

    def gradients(random):
        if workers > 1:
            torch.set_num_threads(1)
        loss = loss_of_batch(network, batch_size // workers, random)
        return loss.detach(), torch.autograd.grad(loss, parameters, allow_unused=True)

    averaged = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(parameters, lr=PEAK_RATE, weight_decay=0.01)
    pool, began, step, curve, recent, last_log = ThreadPoolExecutor(workers), time.time(), 0, [], [], time.time()
    network.train()

    def write_down():
        curve.append({"images": step * batch_size, "seconds": round(time.time() - began), "loss": round(sum(recent) / len(recent), 5)})
        print(curve[-1], flush=True)
        torch.save(averaged.state_dict(), folder / "weights.pt")
        (folder / "log.json").write_text(json.dumps({**settings, "curve": curve}))

    while (elapsed := time.time() - began) < seconds:
        rate = peak_rate * min(1, (step + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * min(1, elapsed / seconds)))
        for group in optimiser.param_groups:
            group["lr"] = max(rate, peak_rate * 1e-3)
        results = list(pool.map(gradients, randoms))
        for i, parameter in enumerate(parameters):
            shares = [g[i] for _, g in results]
            parameter.grad = None if shares[0] is None else sum(shares) / workers
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            average_into(averaged, network, step)
        recent.append(sum(loss.item() for loss, _ in results) / workers)
        if time.time() - last_log > LOG_SECONDS:
            write_down()
            recent, last_log = [], time.time()
            tick()
    pool.shutdown()
    if recent:
        write_down()
