"""PyTorch beside our engines: the networks of `apo bench engine` in PyTorch, timed on the CPU.

Alone it prints a table (or JSON with --json). With --serve it answers the questions of
`apo bench engine --peer "python3 bench/peers/torch_step.py --serve"`, one JSON object a line.
Batches are synthetic; the networks have the same layers and numbers of parameters as ours.
"""

import argparse
import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

LEARNING_RATE = 1e-4


def mlp(sizes, activation):
    """Dense layers, the activation between them."""
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


def lenet():
    """28x28x1: conv 5x5x6 same, pool, conv 5x5x16, pool, 120, 84, 10."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), *mlp([400, 120, 84, 10], nn.ReLU),
    )


def vgg():
    """Pairs of 3x3 convolutions of 32, 64 and 128 channels, each pair pooled, then 256 and 10 units."""
    channels = [3, 32, 32, 64, 64, 128, 128]
    layers = []
    for i, (inputs, outputs) in enumerate(zip(channels, channels[1:])):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
        if i % 2 == 1:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), *mlp([2048, 256, 10], nn.ReLU))


def normalized_convolution(inputs, outputs, window, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, window, stride, padding=window // 2, bias=False), nn.BatchNorm2d(outputs)
    )


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.first = normalized_convolution(inputs, outputs, 3, stride)
        self.second = normalized_convolution(outputs, outputs, 3, 1)
        self.shortcut = nn.Identity() if stride == 1 else normalized_convolution(inputs, outputs, 1, stride)

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


def resnet20():
    """He et al. 2016, Sec. 4.2, with 1x1 convolutions where a stage narrows the image."""
    channels = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
    blocks = [Block(inputs, outputs) for inputs, outputs in zip(channels, channels[1:])]
    return nn.Sequential(
        normalized_convolution(3, 16, 3, 1), nn.ReLU(), *blocks,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )


VOCABULARY, LENGTH, WIDTH, HEADS, LAYERS = 1000, 32, 128, 4, 2


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm = nn.LayerNorm(WIDTH)
        self.queries_keys_values = nn.Linear(WIDTH, 3 * WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)
        self.feed = nn.Sequential(nn.LayerNorm(WIDTH), *mlp([WIDTH, 4 * WIDTH, WIDTH], nn.ReLU))

    def forward(self, x):
        batch = x.shape[0]
        parts = self.queries_keys_values(self.attention_norm(x)).chunk(3, -1)
        q, k, v = (p.view(batch, LENGTH, HEADS, WIDTH // HEADS).transpose(1, 2) for p in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.output(mixed.transpose(1, 2).reshape(batch, LENGTH, WIDTH))
        return x + self.feed(x)


class Transformer(nn.Module):
    """Decoder only, normalisation before each sublayer."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Parameter(torch.randn(LENGTH, WIDTH) * 0.1)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)), nn.LayerNorm(WIDTH))
        self.head = nn.Linear(WIDTH, VOCABULARY)

    def forward(self, tokens):
        return self.head(self.layers(self.tokens(tokens) + self.positions)).flatten(0, 1)


def images(batch, *shape):
    return torch.rand(batch, *shape), torch.arange(batch) % 10


def classify(make, batch, *shape):
    return lambda: (make(), *images(batch, *shape), F.cross_entropy)


def autoencoder():
    x = torch.rand(512, 784)
    loss = lambda logits, targets: F.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / 512
    return mlp([784, 1000, 500, 250, 30, 250, 500, 1000, 784], nn.Sigmoid), x, x, loss


def transformer():
    tokens = torch.randint(VOCABULARY, (32, LENGTH))
    return Transformer(), tokens, tokens.roll(-1, 1).flatten(), F.cross_entropy


# Name: () -> network, inputs, targets, loss.
MODELS = {
    "mlp": classify(lambda: mlp([784, 1000, 1000, 10], nn.ReLU), 100, 784),
    "autoencoder": autoencoder,
    "lenet": classify(lenet, 128, 1, 28, 28),
    "vgg": classify(vgg, 64, 3, 32, 32),
    "resnet20": classify(resnet20, 128, 3, 32, 32),
    "transformer": transformer,
}
PARAMETERS = {
    "mlp": 1_796_010,
    "autoencoder": 2_837_314,
    "lenet": 61_706,
    "vgg": 814_122,
    "resnet20": 272_474,
    "transformer": 657_896,
}


def make_optimizer(rule, parameters):
    if rule == "momentum":
        return torch.optim.SGD(parameters, lr=LEARNING_RATE, momentum=0.9)
    return torch.optim.Adam(parameters, lr=LEARNING_RATE)


def training_step(name, rule):
    """One step: forward, backward, update; the loss is read, as ours is."""
    network, inputs, targets, loss = MODELS[name]()
    count = sum(p.numel() for p in network.parameters())
    assert count == PARAMETERS[name], f"{name} has {count} parameters, expected {PARAMETERS[name]}"
    optimizer = make_optimizer(rule, network.parameters())

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss(network(inputs), targets)
        value.backward()
        optimizer.step()
        return value.item()

    return step


def update_step(name, rule):
    network = MODELS[name]()[0]
    for parameter in network.parameters():
        parameter.grad = torch.randn_like(parameter)
    return make_optimizer(rule, network.parameters()).step


def product_step(product, transpose_a, transpose_b):
    rows, inner, columns = product
    a = torch.randn(inner, rows).T if transpose_a else torch.randn(rows, inner)
    b = torch.randn(columns, inner).T if transpose_b else torch.randn(inner, columns)
    return lambda: torch.matmul(a, b)


def step_of(subject):
    if "product" in subject:
        return product_step(subject["product"], subject["transposeA"], subject["transposeB"])
    if "update" in subject:
        return update_step(subject["update"], subject["rule"])
    if "meta" in subject:
        raise ValueError("PyTorch has no meta-steps to measure")
    return training_step(subject["model"], subject["rule"])


def measure(step, steps, seconds):
    """Whole multiples of `steps` until `seconds` have passed."""
    start = time.perf_counter()
    done = 0
    while True:
        for _ in range(steps):
            step()
        done += steps
        taken = time.perf_counter() - start
        if taken >= seconds:
            return {"steps": done, "seconds": taken}


def serve():
    """Answers one line with one line; the first line introduces this program."""

    def say(answer):
        print(json.dumps(answer), flush=True)

    say({"name": f"torch {torch.__version__.split('+')[0]}", "threads": torch.get_num_threads()})
    subject, step = None, None
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if question["subject"] != subject:
                subject, step = question["subject"], None
                step = step_of(subject)
                for _ in range(2):
                    step()
            if "minimum" in question:
                say({"measurement": measure(step, question["minimum"]["steps"], question["minimum"]["seconds"])})
            else:
                say({})
        except Exception as error:  # The other side goes on without this subject.
            say({"error": f"{type(error).__name__}: {error}"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS), help="names separated by commas")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of which the median is shown")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    if options.serve:
        serve()
        return
    subjects = {name: {"model": name, "rule": "momentum"} for name in options.models.split(",")}
    subjects |= {f"update of the MLP, {rule}": {"update": "mlp", "rule": rule} for rule in ("momentum", "adam")}
    times = {}
    for name, subject in subjects.items():
        step = step_of(subject)
        for _ in range(2):
            step()
        rounds = [measure(step, 1, 0.25) for _ in range(options.rounds)]
        times[name] = statistics.median(1000 * r["seconds"] / r["steps"] for r in rounds)
    if options.json:
        print(json.dumps({"torch": torch.__version__, "threads": options.threads, "milliseconds": times}, indent=2))
    else:
        print(f"PyTorch {torch.__version__}, {options.threads} threads, medians of {options.rounds} rounds, ms")
        for name, milliseconds in times.items():
            print(f"  {name:28} {milliseconds:9.2f}")


if __name__ == "__main__":
    main()
