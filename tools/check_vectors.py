"""Check mode='official' and the resampling against outputs of the reference programs.

    python tools/check_vectors.py ../shared/vectors/vectors.json

Prints the largest relative deviations; exits with 1 if one is above 1e-5. A gradient at a kink is compared
too: both programs pass it at equality."""
import json
import sys

import torch

from resample_nb.masks import gaussian_mask, sigmoid_mask
from resample_nb.spectral import spectral_resample
from resample_nb.strides import DiffStride, axis_mask, official_masks

LIMIT = 1e-5


def rel(a, b, least=1e-30):
    "Largest deviation of `a` from `b`, relative to the largest value of `b`"
    return ((a - b).abs().max() / b.abs().max().clamp_min(least)).item()


def tensor(v):
    "A stored array: a list, or data with its shape"
    return torch.tensor(v['data']).reshape(v['shape']) if isinstance(v, dict) else torch.tensor(v)


def double(v): return torch.tensor(v, dtype=torch.float64)


def official_layer(case):
    "The released layer with the options and strides of a stored case"
    kw = case.get('kw', {})
    shared = case.get('shared', False) or kw.get('shared', False)
    layer = DiffStride(2., float(case['smoothness']), mode='official', crop=case['cropping'], shared=shared)
    layer.min_stride, layer.max_stride = kw.get('lower', 1.), kw.get('upper')
    with torch.no_grad(): layer.strides.copy_(torch.tensor(case['strides'])[:len(layer.strides)])
    return layer


def official(group):
    "Yield (name, deviation of output, loss and gradients) of every stored case of the released layer"
    for c in group['cases'] + group['extra']:
        stored = group['inputs'][c['input'].split()[0]]
        layer, x = official_layer(c), tensor(stored).float().requires_grad_()
        y = layer(x)
        loss = (y**2).sum()
        loss.backward()
        out = y.permute(0, 2, 3, 1) if 'channels_last' in c['input'] else y
        assert list(out.shape) == c['output_shape'], (c['input'], c['strides'], out.shape)
        want = torch.tensor(c['output'])
        devs = [rel(out.flatten(), want.flatten()), abs(loss.item() - c['loss']) / c['loss']]
        if 'grad_strides' in c:
            devs.append(rel(layer.strides.grad, torch.tensor(c['grad_strides']), least=1e-3 * c['loss']))
        if 'grad_input' in c: devs.append(rel(x.grad.flatten(), torch.tensor(c['grad_input']).flatten()))
        yield f"{c['input']} S={c['strides']} R={c['smoothness']}", max(devs)


def gains(group):
    "Yield (name, deviation) of what the released layer makes of a constant"
    for r in group['rows']:
        y = DiffStride(r['S'], float(r['R']), mode='official')(torch.ones(1, 1, r['H'], r['W']))
        assert list(y.shape[-2:]) == r['out'], (r, y.shape)
        yield str(r), abs(y.mean().item() / r['gain'] - 1) / 2          # the gains are stored with 6 digits


def masks(group):
    """Yield (name, deviation) of the official masks against the program, and of ours against Eq. 3

    Of Eq. 3 at even sizes only: at odd ones the printed formula lies half a bin off."""
    for c in group['cases']:
        h, w, R = c['H'], c['W'], c['R']
        name, strides = f"mask {h}x{w} S={c['S']} R={R}", [double(s) for s in c['S']]
        wanted = c['code_vertical_fftorder'], c['code_horizontal']
        for m, want in zip(official_masks((h, w), strides, R), wanted):
            yield name + ' official', rel(m, double(want))
        if h % 2 == 0:
            ours = axis_mask(h // 2, h / 2 / strides[0], R)
            yield name, rel(ours, double(c['paper_vertical_fftorder'][:h // 2 + 1]))


def resampled(group):
    "Yield (name, deviation) of both ways to resample against scipy"
    for c in group['cases']:
        for method in ('matmul', 'fft'):
            y = spectral_resample(tensor(c['x']).double(), tuple(c['out']), method=method)
            yield f"resample {c['input']} -> {c['out']} {method}", rel(y, tensor(c['y']).double())


def scan(group, inputs):
    "Yield (name, deviation) of loss, loss in unitary scale and gradient over a range of strides"
    x = tensor(inputs['x_16x16']).float()
    for (s, _, loss, grad), (_, unitary) in zip(group['rows'], group['unitary_loss']):
        layer = DiffStride((s, 2.), 1., mode='official')
        y = layer(x)
        (y**2).sum().backward()
        total, area, got = (y**2).sum().item(), y.shape[-1] * y.shape[-2] / 256, layer.strides.grad[0].item()
        devs = abs(total / loss - 1), abs(total * area / unitary - 1), abs(got - grad) / max(abs(grad), 1.)
        yield f'scan {s}', max(devs)


def dnarch(group):
    "Yield (name, deviation) of the Gaussian and the sigmoid mask"
    gauss, sigmoid = group['gaussian_values'], group['sigmoid_values']
    yield 'gaussian_values', rel(gaussian_mask(double(gauss['x']), gauss['sigma']), double(gauss['m']))
    values = sigmoid_mask(double(sigmoid['x']), sigmoid['mu'], sigmoid['tau'])
    yield 'sigmoid_values', rel(values, double(sigmoid['m']))


def main(path):
    "Print a line per group; return 1 if any deviation is above the limit"
    with open(path, encoding='utf-8') as f: v = json.load(f)
    inputs = v['diffstride_official']['inputs']
    groups = dict(
        diffstride_official=official(v['diffstride_official']),
        constant_gain=gains(v['diffstride_constant_gain']),
        masks=masks(v['diffstride_masks_paper_vs_code']),
        resample=resampled(v['ideal_fourier_resample']),
        stride_scan=scan(v['diffstride_stride_scan_16x16_R1'], inputs),
        dnarch=dnarch(v['dnarch_masks']))
    bad = 0
    for name, rows in groups.items():
        rows = list(rows)
        worst, deviation = max(rows, key=lambda r: r[1])
        print(f'{name}: {len(rows)} cases, largest relative deviation {deviation:.1e} ({worst})')
        above = [r for r in rows if not r[1] <= LIMIT]
        for n, d in above: print(f'   above {LIMIT:g}: {n} {d:.1e}')
        bad += len(above)
    return int(bad > 0)


if __name__ == '__main__': sys.exit(main(sys.argv[1]))
