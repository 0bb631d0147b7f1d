"""Draw the picture of the README (about two minutes on one core: it trains three small networks).

    python -W ignore tools/picture.py"""
from functools import partial
from pathlib import Path

import numpy as np
import torch
from fastai.callback.schedule import ParamScheduler  # noqa: F401  brings fit_one_cycle
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.optimizer import SGD
from fastai.torch_core import set_seed
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image

from resample_nb.callback.strides import LearnStrides  # noqa: F401  brings learn_strides
from resample_nb.data.core import digits
from resample_nb.models.resnet import resnet_small
from resample_nb.strides import diff_stride


def train(start, cost=.1, epochs=8):
    "History of the strides of a small network on digits at 32 px"
    set_seed(0, reproducible=True)
    dls = digits(32, n_train=1300, bs=62)
    model = resnet_small(in_channels=1, strides=start, smoothness=1)
    learn = Learner(dls, model, loss_func=CrossEntropyLossFlat(), opt_func=partial(SGD, mom=.9), wd=5e-4)
    learn.learn_strides(cost)
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(epochs, .1)
    return learn.strides.history


def draw_flower(axs):
    "A photograph, downsampled by three real strides"
    pixels = load_sample_image('flower.jpg')[50:370:2, 180:500:2].copy()
    photo = torch.tensor(pixels).permute(2, 0, 1).float() / 255
    for ax, s in zip(axs, (1., 2., 3.7)):
        y = diff_stride(photo, torch.tensor([s]), smoothness=1., ramp='inside')
        ax.imshow(y.permute(1, 2, 0).clamp(0, 1).numpy(), interpolation='nearest')
        ax.set_title(f'stride {s:g}: {y.shape[-2]} px', fontsize=10)
        ax.axis('off')


def draw_training(ax):
    "The first stride of three networks that start from different strides"
    for i, start in enumerate(((1, 1, 1), (2, 2, 2), (3, 2, 3))):
        history = train(start)
        mean = [np.sqrt(np.prod(r['strides'][0])) for r in history]
        ax.plot([r['epoch'] for r in history], mean, c=f'C{i}', label=f'start {start[0]}')
    ax.axhline(4, c='k', ls=':', lw=1)
    ax.text(.1, 4.05, '8 px: all that is there', fontsize=8)
    ax.set(xlabel='epoch', ylabel='first stride', ylim=(.9, 4.5))
    ax.legend(fontsize=8, loc='lower right')


def main():
    fig = Figure(figsize=(10, 2.9), layout='constrained')
    *left, right = fig.subplots(1, 4, gridspec_kw=dict(width_ratios=[1, 1, 1, 2.1]))
    draw_flower(left)
    draw_training(right)
    out = Path(__file__).parents[1]/'nbs/images/first_strides.png'
    out.parent.mkdir(exist_ok=True)
    fig.savefig(out, dpi=110)


if __name__ == '__main__': main()
