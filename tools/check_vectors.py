"""Check mode='official' and the resampling against outputs of the reference programs.

    python tools/check_vectors.py ../shared/vectors/vectors.json

Prints the largest relative deviations; exits with 1 if one is above 1e-5. A gradient at a kink is compared too: both programs pass it at equality."""
import json
import sys

import torch

from resample_nb.masks import gaussian_mask, sigmoid_mask
from resample_nb.spectral import spectral_resample
from resample_nb.strides import DiffStride, axis_mask, official_masks


def rel(a, b): return ((a - b).abs().max() / b.abs().max().clamp_min(1e-30)).item()
def tensor(v): return torch.tensor(v['data']).reshape(v['shape']) if isinstance(v, dict) else torch.tensor(v)


def official(group):
    "Yield (name, output, loss and gradient deviation) of every stored case of the released layer"
    for c in group['cases'] + group['extra']:
        kw, last = c.get('kw', {}), 'channels_last' in c['input']
        x = tensor(group['inputs'][c['input'].split()[0]]).float().requires_grad_()
        layer = DiffStride(2., float(c['smoothness']), mode='official', crop=c['cropping'], shared=c.get('shared', False) or kw.get('shared', False))
        layer.min_stride, layer.max_stride = kw.get('lower', 1.), kw.get('upper')
        with torch.no_grad(): layer.strides.copy_(torch.tensor(c['strides'])[:len(layer.strides)])
        y = layer(x)
        loss = (y**2).sum(); loss.backward()
        out = y.permute(0, 2, 3, 1) if last else y
        assert list(out.shape) == c['output_shape'], (c['input'], c['strides'], out.shape)
        devs = [rel(out.flatten(), torch.tensor(c['output']).flatten()), abs(loss.item() - c['loss']) / c['loss']]
        if 'grad_strides' in c:
            want = torch.tensor(c['grad_strides'])
            devs.append(((layer.strides.grad - want).abs().max() / want.abs().max().clamp_min(1e-3 * c['loss'])).item())
        if 'grad_input' in c: devs.append(rel(x.grad.flatten(), torch.tensor(c['grad_input']).flatten()))
        yield f"{c['input']} S={c['strides']} R={c['smoothness']}", max(devs)


def gains(group):
    for r in group['rows']:
        y = DiffStride(r['S'], float(r['R']), mode='official')(torch.ones(1, 1, r['H'], r['W']))
        assert list(y.shape[-2:]) == r['out'], (r, y.shape)
        yield str(r), abs(y.mean().item() / r['gain'] - 1) / 2          # the gains are stored with 6 digits


def masks(group):
    "Ours against Eq. 3 (even sizes: at odd ones the printed formula lies half a bin off), the official ones against the program"
    for c in group['cases']:
        n, strides, name = (c['H'], c['W']), [torch.tensor(s, dtype=torch.float64) for s in c['S']], f"mask {c['H']}x{c['W']} S={c['S']} R={c['R']}"
        for m, want in zip(official_masks(n, strides, c['R']), (c['code_vertical_fftorder'], c['code_horizontal'])):
            yield name + ' official', rel(m, torch.tensor(want, dtype=torch.float64))
        if n[0] % 2 == 0:
            m = axis_mask(n[0] // 2, n[0] / 2 / strides[0], c['R'])
            yield name, rel(m, torch.tensor(c['paper_vertical_fftorder'][:n[0] // 2 + 1], dtype=torch.float64))


def resampled(group):
    for c in group['cases']:
        for method in ('matmul', 'fft'):
            y = spectral_resample(tensor(c['x']).double(), tuple(c['out']), method=method)
            yield f"resample {c['input']} -> {c['out']} {method}", rel(y, tensor(c['y']).double())


def scan(group, inputs):
    x = tensor(inputs['x_16x16']).float()
    for (s, size, loss, grad), (_, unitary) in zip(group['rows'], group['unitary_loss']):
        layer = DiffStride((s, 2.), 1., mode='official'); y = layer(x); (y**2).sum().backward()
        total, area = (y**2).sum().item(), y.shape[-1] * y.shape[-2] / 256
        yield f'scan {s}', max(abs(total / loss - 1), abs(total * area / unitary - 1), abs(layer.strides.grad[0].item() - grad) / max(abs(grad), 1.))


def dnarch(group):
    for name, f, kw in (('gaussian_values', gaussian_mask, ('sigma',)), ('sigmoid_values', sigmoid_mask, ('mu', 'tau'))):
        g = group[name]
        yield name, rel(f(torch.tensor(g['x'], dtype=torch.float64), *(g[k] for k in kw)), torch.tensor(g['m'], dtype=torch.float64))


def main(path):
    v = json.load(open(path, encoding='utf-8'))
    groups = dict(diffstride_official=official(v['diffstride_official']), constant_gain=gains(v['diffstride_constant_gain']),
                  masks=masks(v['diffstride_masks_paper_vs_code']), resample=resampled(v['ideal_fourier_resample']),
                  stride_scan=scan(v['diffstride_stride_scan_16x16_R1'], v['diffstride_official']['inputs']), dnarch=dnarch(v['dnarch_masks']))
    bad = 0
    for name, rows in groups.items():
        rows = list(rows)
        worst = max(rows, key=lambda r: r[1])
        bad += sum(d > 1e-5 for _, d in rows)
        print(f'{name}: {len(rows)} cases, largest relative deviation {worst[1]:.1e} ({worst[0]})')
        for n, d in rows:
            if d > 1e-5: print('   above 1e-5:', n, f'{d:.1e}')
    return int(bad > 0)


if __name__ == '__main__': sys.exit(main(sys.argv[1]))
