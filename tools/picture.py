"""Draw the pictures of the README (about three minutes on one core: it trains three small networks).

    python -W ignore tools/picture.py [strides|family|animation …]      (all of them without a name)"""
import io
import sys
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
from PIL import Image
from sklearn.datasets import load_sample_image

from resample_nb.callback.strides import LearnStrides  # noqa: F401  brings learn_strides
from resample_nb.data.core import digits
from resample_nb.masks import gaussian_mask, sigmoid_mask
from resample_nb.mixsize import SizeRegime
from resample_nb.models.resnet import resnet_small
from resample_nb.mrconv import MRConv
from resample_nb.plots import okabe_ito, plot_kernels
from resample_nb.strides import diff_stride
from resample_nb.widgets import StrideExplorer
from resample_nb.widgets_training import batch_strip

images = Path(__file__).parents[1]/'nbs/images'

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


def strides():
    "What a stride does to an image; what training does to a stride"
    fig = Figure(figsize=(10, 2.9), layout='constrained')
    *left, right = fig.subplots(1, 4, gridspec_kw=dict(width_ratios=[1, 1, 1, 2.1]))
    draw_flower(left)
    draw_training(right)
    fig.savefig(images/'first_strides.png', dpi=110)


def draw_batches(ax):
    "One batch at each of four sizes, all to one scale"
    regime = SizeRegime((40, 32, 24, 16), base_size=32, base_batch=16)
    pixels = load_sample_image('flower.jpg')[50:370:8, 180:500:8].copy()
    x = torch.tensor(pixels).permute(2, 0, 1).float() / 255
    strip = batch_strip(x, [(c.size, c.batch, c.dup) for c in regime.choices], (420, 220))
    for mosaic, *box in strip: ax.imshow(mosaic, extent=box, interpolation='nearest')
    low = min(bottom for *_, bottom, _ in strip)
    ax.set(xlim=(0, 420), ylim=(low, 220), title='a batch at each size, equal cost')
    ax.axis('off')


def draw_masks(ax):
    "The masks under which sizes are learned"
    k = torch.linspace(0, 1, 101)
    for label, m, c in (('kernel', gaussian_mask(k, .25), okabe_ito[0]), ('width, depth', sigmoid_mask(k, .5, 15.), okabe_ito[1])):
        ax.plot(k, m, c=c, label=label)
        ax.fill_between(k, 0, m, where=m > 0, color=c, alpha=.15)
    ax.set(title='sizes as ends of masks', xlabel='taps, channels, blocks', xticks=[], yticks=[0, 1], ylabel='weight')
    ax.legend(fontsize=8)


def family():
    "One panel for each kind of resolution"
    fig = Figure(figsize=(11, 2.7), layout='constrained')
    spectrum, batches, kernels, masks = fig.subplots(1, 4, gridspec_kw=dict(width_ratios=[.9, 1.5, 1.1, 1]))
    explorer = StrideExplorer(stride_h=3.4, stride_w=1.7)
    power, mask = np.log10(explorer.power.numpy() + 1e-9), explorer.measure(explorer.state)['mask']
    veil = np.ones((*mask.shape, 4))
    veil[..., 3] = .8 * (1 - mask)
    for layer in (power, veil): spectrum.imshow(layer, extent=(-.5, .5, -.5, .5), aspect=.8)
    spectrum.set(title='strides: what is kept', xlabel='cycles per pixel', xticks=[-.5, 0, .5], yticks=[-.5, 0, .5])
    draw_batches(batches)
    torch.manual_seed(3)
    plot_kernels(MRConv(1, 256, l0=16), ax=kernels)
    kernels.set_title('kernels of all lengths, and their sum')
    kernels.get_legend().remove()
    draw_masks(masks)
    for ax in (spectrum, batches, kernels, masks): ax.title.set_fontsize(10)
    fig.savefig(images/'family.png', dpi=110)


def descend(steps=240, lr=.25, price=.5):
    "Strides of a photograph that go down on error plus price of area; states, one in six steps"
    explorer, strides, out = StrideExplorer(smoothness=8, price=price), np.array([1.02, 1.02]), []
    for step in range(steps):
        state = explorer.at(stride_h=float(strides[0]), stride_w=float(strides[1]))
        found = explorer.measure(state)
        if step % 6 == 0: out.append((state, found))
        strides = np.clip(strides - lr * np.array(found['grad']), 1, 8)
    return explorer, out


def frame(explorer, state, found):
    "A photograph after its strides, and its spectrum under the mask"
    fig = Figure(figsize=(6, 2.3), dpi=90)
    left, right = fig.subplots(1, 2, gridspec_kw=dict(left=.02, right=.98, bottom=.2, top=.88))
    h, w = explorer.n
    left.imshow(found['y'].clamp(0, 1).permute(1, 2, 0).numpy(), interpolation='nearest', extent=(0, w, h, 0))
    left.set(title='{}×{} px'.format(*found['y'].shape[1:]), xticks=[], yticks=[])
    veil = np.ones((*found['mask'].shape, 4))
    veil[..., 3] = .8 * (1 - found['mask'])
    for layer in (np.log10(explorer.power.numpy() + 1e-9), veil):
        right.imshow(layer, extent=(-.5, .5, -.5, .5), aspect=.8, interpolation='nearest')
    right.set(title=f"strides {state['stride_h']:.2f} × {state['stride_w']:.2f}", xlabel='cycles per pixel', xticks=[-.5, 0, .5], yticks=[])
    out = io.BytesIO()
    fig.savefig(out)
    return Image.open(out).convert('RGB').quantize(96, dither=Image.Dither.NONE)


def animation():
    "Strides that move while they learn"
    explorer, states = descend()
    frames = [frame(explorer, *s) for s in states]
    still = [1500, *[80] * (len(frames) - 2), 2500]                     # ms
    frames[0].save(images/'strides.gif', save_all=True, append_images=frames[1:], duration=still, loop=0, optimize=True)


if __name__ == '__main__':
    images.mkdir(exist_ok=True)
    for name in sys.argv[1:] or ('strides', 'family', 'animation'): globals()[name]()
