"""Peak memory of a ResNet-18 training step, each network in a process of its own: python -W ignore tools/peak_memory.py

Strides 2, 32 images of 32 px, one thread; all but `outside` have maps of equal size. Prints MiB above the process before the step."""
import resource
import subprocess
import sys

import torch
import torch.nn.functional as F

from resample_nb.models.resnet import cifar_resnet18

networks = dict(strided=dict(pool='strided'), spectral=dict(pool='spectral'), inside=dict(ramp='inside', smoothness=1),
                outside=dict(smoothness=1))


def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def step(name):
    "MiB that two training steps add to the peak of the process"
    torch.set_num_threads(1)
    net, x, y = cifar_resnet18(**networks[name]), torch.randn(32, 3, 32, 32), torch.randint(0, 10, (32,))
    before = peak()
    for _ in range(2): F.cross_entropy(net(x), y).backward()
    return peak() - before


def main():
    if len(sys.argv) > 1: return print(step(sys.argv[1]))
    mib = {k: float(subprocess.run([sys.executable, '-W', 'ignore', __file__, k], capture_output=True, text=True,
                                   check=True).stdout) for k in networks}
    for k, v in mib.items(): print(f"{k:9s} {v:5.0f} MiB   {v/mib['strided']:.2f}x")


if __name__ == '__main__': main()
