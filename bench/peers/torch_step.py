"""PyTorch beside our engines: the networks of `apo bench engine` and `apo bench gpu` in PyTorch, on the CPU or a GPU.

Alone it prints a table (or JSON with --json). With --serve it answers the questions of
`apo bench engine --peer "python3 bench/peers/torch_step.py --serve"`, one JSON object a line, and with
--device cuda those of `apo bench --backend webgpu --peer "python3 bench/peers/torch_step.py --serve --device cuda"`.
Batches are synthetic; the networks have the same layers and numbers of parameters as ours. Products and convolutions are
of float32 throughout: TensorFloat-32 stays off.
"""

import argparse
import json
import math
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

LEARNING_RATE = 1e-4
# Where networks and batches are, set by --device.
DEVICE = torch.device("cpu")


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


def vgg(width=32, side=32):
    """Three pairs of 3x3 convolutions, each pair pooled and twice as wide as the one before, then 256 and 10 units."""
    channels = [3, *(factor * width for factor in (1, 1, 2, 2, 4, 4))]
    layers = []
    for i, (inputs, outputs) in enumerate(zip(channels, channels[1:])):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
        if i % 2 == 1:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), *mlp([(side // 8) ** 2 * channels[-1], 256, 10], nn.ReLU))


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


def resnet(width, stages, depth):
    """He et al. 2016 for small images, with 1x1 convolutions where a stage narrows the image."""
    channels = [width] + [width * 2**stage for stage in range(stages) for _ in range(depth)]
    blocks = [Block(inputs, outputs) for inputs, outputs in zip(channels, channels[1:])]
    return nn.Sequential(
        normalized_convolution(3, width, 3, 1), nn.ReLU(), *blocks,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], 10),
    )


def resnet20(width=16):
    return resnet(width, 3, 3)


def resnet18(width=64):
    return resnet(width, 4, 2)


HEADS, LAYERS = 4, 2


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.feed = nn.Sequential(nn.LayerNorm(width), *mlp([width, 4 * width, width], nn.ReLU))

    def forward(self, x):
        batch, length, width = x.shape
        parts = self.queries_keys_values(self.attention_norm(x)).chunk(3, -1)
        q, k, v = (p.view(batch, length, HEADS, width // HEADS).transpose(1, 2) for p in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.output(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.feed(x)


class Transformer(nn.Module):
    """Decoder only, normalisation before each sublayer."""

    def __init__(self, vocabulary, length, width):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.randn(length, width) * 0.1)
        self.layers = nn.Sequential(*(Layer(width) for _ in range(LAYERS)), nn.LayerNorm(width))
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        return self.head(self.layers(self.tokens(tokens) + self.positions)).flatten(0, 1)


def images(batch, *shape):
    return torch.rand(batch, *shape), torch.arange(batch) % 10


def classify(make, batch, *shape):
    return lambda: (make(), *images(batch, *shape), F.cross_entropy)


def autoencoder(sizes, batch):
    def make():
        x = torch.rand(batch, sizes[0])
        loss = lambda logits, targets: F.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / batch
        return mlp(sizes, nn.Sigmoid), x, x, loss

    return make


def transformer(batch, vocabulary, length, width):
    def make():
        tokens = torch.randint(vocabulary, (batch, length))
        return Transformer(vocabulary, length, width), tokens, tokens.roll(-1, 1).flatten(), F.cross_entropy

    return make


# Scale, name: () -> network, inputs, targets, loss.
MODELS = {
    "full": {
        "mlp": classify(lambda: mlp([784, 1000, 1000, 10], nn.ReLU), 100, 784),
        "autoencoder": autoencoder([784, 1000, 500, 250, 30, 250, 500, 1000, 784], 512),
        "lenet": classify(lenet, 128, 1, 28, 28),
        "vgg": classify(vgg, 64, 3, 32, 32),
        "resnet20": classify(resnet20, 128, 3, 32, 32),
        "resnet18": classify(resnet18, 128, 3, 32, 32),
        "transformer": transformer(32, 1000, 32, 128),
    },
    "small": {
        "mlp": classify(lambda: mlp([64, 96, 96, 10], nn.ReLU), 32, 64),
        "autoencoder": autoencoder([64, 48, 32, 24, 12, 24, 32, 48, 64], 32),
        "lenet": classify(lenet, 4, 1, 28, 28),
        "vgg": classify(lambda: vgg(8, 16), 4, 3, 16, 16),
        "resnet20": classify(lambda: resnet20(4), 4, 3, 16, 16),
        "resnet18": classify(lambda: resnet18(8), 2, 3, 16, 16),
        "transformer": transformer(2, 64, 16, 32),
    },
}
PARAMETERS = {
    "mlp": 1_796_010,
    "autoencoder": 2_837_314,
    "lenet": 61_706,
    "vgg": 814_122,
    "resnet20": 272_474,
    "resnet18": 11_173_962,
    "transformer": 657_896,
}


def make_optimizer(rule, parameters):
    if rule == "momentum":
        return torch.optim.SGD(parameters, lr=LEARNING_RATE, momentum=0.9)
    return torch.optim.Adam(parameters, lr=LEARNING_RATE)


def on_device(name, scale):
    """The network on the device, and its batch and loss."""
    network, inputs, targets, loss = MODELS[scale][name]()
    count = sum(p.numel() for p in network.parameters())
    if scale == "full":
        assert count == PARAMETERS[name], f"{name} has {count} parameters, expected {PARAMETERS[name]}"
    return network.to(DEVICE), inputs.to(DEVICE), targets.to(DEVICE), loss


def training_step(name, rule, scale):
    """One step: forward, backward, update. On the CPU the loss is read, as ours is; a GPU is waited for in `measure`."""
    network, inputs, targets, loss = on_device(name, scale)
    optimizer = make_optimizer(rule, network.parameters())

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss(network(inputs), targets)
        value.backward()
        optimizer.step()
        return value.item() if DEVICE.type == "cpu" else None

    return step


def update_step(name, rule, scale):
    network = on_device(name, scale)[0]
    for parameter in network.parameters():
        parameter.grad = torch.randn_like(parameter)
    return make_optimizer(rule, network.parameters()).step


def product_step(product, transpose_a, transpose_b):
    rows, inner, columns = product
    random = lambda height, width: torch.randn(height, width, device=DEVICE)
    a = random(inner, rows).T if transpose_a else random(rows, inner)
    b = random(columns, inner).T if transpose_b else random(inner, columns)
    return lambda: torch.matmul(a, b)


def step_of(subject):
    scale = subject.get("scale", "full")
    if "product" in subject:
        return product_step(subject["product"], subject["transposeA"], subject["transposeB"])
    if "update" in subject:
        return update_step(subject["update"], subject["rule"], scale)
    if "meta" in subject:
        raise ValueError("PyTorch has no meta-steps to measure")
    if subject.get("rule") not in ("momentum", "adam"):
        raise ValueError("PyTorch is measured with momentum and Adam only")
    return training_step(subject["model"], subject["rule"], scale)


def wait():
    """Until the device has done what it was given."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def measure(step, steps, seconds):
    """Whole multiples of `steps` until `seconds` have passed; a GPU is waited for in the end of each part only."""
    wait()
    start = time.perf_counter()
    done, part = 0, steps
    while True:
        for _ in range(part):
            step()
        wait()
        done += part
        taken = time.perf_counter() - start
        if taken >= seconds:
            return {"steps": done, "seconds": taken}
        if DEVICE.type != "cpu":
            part = steps * max(1, math.ceil((seconds - taken) * done / max(taken, 1e-6) / steps))


def serve():
    """Answers one line with one line; the first line introduces this program."""

    def say(answer):
        print(json.dumps(answer), flush=True)

    where = "" if DEVICE.type == "cpu" else f" {torch.cuda.get_device_name(DEVICE)}"
    say({"name": f"torch {torch.__version__.split('+')[0]}{where}", "threads": torch.get_num_threads()})
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
    parser.add_argument("--models", default="mlp,autoencoder,lenet,vgg,resnet20,transformer", help="names separated by commas")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:1")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of which the median is shown")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    global DEVICE
    DEVICE = torch.device(options.device)
    if DEVICE.type == "cuda":
        if not torch.cuda.is_available():
            raise SystemExit("This PyTorch finds no CUDA device.")
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
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
        result = {"torch": torch.__version__, "device": options.device, "threads": options.threads, "milliseconds": times}
        print(json.dumps(result, indent=2))
    else:
        print(f"PyTorch {torch.__version__}, {options.device}, {options.threads} threads, medians of {options.rounds} rounds, ms")
        for name, milliseconds in times.items():
            print(f"  {name:28} {milliseconds:9.2f}")


if __name__ == "__main__":
    main()
