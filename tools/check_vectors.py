"""Check what this library computes against outputs of the reference programs.

    python tools/check_vectors.py ../shared/vectors/vectors.json

Prints the largest relative deviations; exits with 1 if one is above 1e-5. A gradient at a kink is compared
too: both programs pass it at equality."""
import json
import sys

import torch
from torch.nn.functional import conv1d

from resample_nb.cost import budget_loss
from resample_nb.dnarch import LearnedWidth
from resample_nb.kernels import DilatedKernel, FourierKernel, window_taps
from resample_nb.lowmode import pool_kernel
from resample_nb.masks import gaussian_mask, masked_size, sigmoid_cutoff, sigmoid_mask
from resample_nb.mixsize import calibrate_bn, mixsize_config, size_regime, smooth_gradients_
from resample_nb.mrconv import MRConv
from resample_nb.reparam import ParallelConv, merge_branches
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
    for row in group['sigmoid']:
        width = LearnedWidth(2, temperature=row['tau'])
        low, high = (b[0] for b in width.bounds())
        yield f"bounds, tau {row['tau']}", rel(double([low, high]), double([row['mu_min'], row['mu_max']]))
        ends = [(sigmoid_cutoff(v, row['tau']) + 1) / 2 for v in (low, high)]
        yield f"shares, tau {row['tau']}", rel(double(ends), double([row['min_frac'], row['max_frac']]))
    size, start = group['size_example'], sigmoid_cutoff(group['size_example']['mu0'], group['size_example']['tau'])
    now = masked_size(sigmoid_cutoff(size['mu1'], size['tau']), size['N'], start)
    yield 'size_example', rel(now.double(), double(size['size']))
    loss, cost = group['complexity_loss_example'], torch.tensor(1.2e9, dtype=torch.float64, requires_grad=True)
    value = budget_loss(cost, loss['C_target'])
    value.backward()
    yield 'complexity_loss', max(rel(value.detach(), double(loss['loss'])), rel(cost.grad, double(loss['dloss_dCcurr'])))


def crops(group):
    "Yield (name, deviation) of the taps that a Gaussian window keeps"
    for row in group['rows']:
        yield f"{row['n']} taps, sigma {row['sigma']}", float(window_taps(row['sigma'], row['n']) != row['kept'])


def smoothing(group):
    "Yield (step, deviation) of the factors and norms of gradient smoothing, by the paper and by the released code"
    for eps, key in ((0., 'coef_paper'), (1e-6, 'coef_code')):
        p, running = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64)), None
        for row in group['rows']:
            p.grad = double([row['norm']])
            running, coef, _ = smooth_gradients_([p], running, .9, eps)
            yield f"{key} {row['step']}", max(abs(coef.item() / row[key] - 1), abs(running.item() / row['running'] - 1))


def calibration(group):
    "Yield (name, deviation) of calibrated BatchNorm statistics"
    bn = torch.nn.BatchNorm2d(2)
    calibrate_bn(bn, [tensor(b) for b in group['batches']], n_batches=3)
    for name in ('running_mean', 'running_var'): yield name, rel(getattr(bn, name), torch.tensor(group[name]))


def configs(group):
    "Yield (name, deviation) of batches and duplicates; they are integers: 0, or 1 where they differ"
    for table, kinds in group['tables'].items():
        base = 224 if 'imagenet' in table else 32
        for kind, rows in kinds.items():
            for r in rows:
                got = mixsize_config(r['size'], base, 64, group['base_duplicates'], 'B+' in kind, 'D+' in kind)
                yield f"{table} {kind} {r['size']}", float(got != (r['batch'], r['dup']))


def expectations(group):
    "Yield (name, deviation) of mean sizes and step ratios; with a batch so large that rounding does not matter"
    names = {'S28': 'S28', 'S144': 'S144', 'S208': 'S208', 'cifar_code': 'S28-code'}
    for key, size in group['E_size'].items():
        yield f'mean size {key}', abs(size_regime(names[key], batch=14400).mean_size() / size - 1)
    for reading, group_key in (('step', 'steps_ratio_if_p_is_per_step'), ('sample', 'steps_ratio_if_p_is_per_sample_as_in_code')):
        for key, ratio in group[group_key].items():
            yield f'{reading} {key}', abs(size_regime(names[key], 'B+', 14400, reading).steps_ratio() / ratio - 1)


def pooling(group):
    "Yield (name, deviation) of pooled kernels"
    yield 'k3_mean_1x1', rel(pool_kernel(tensor(group['k3']), 2), tensor(group['k3_mean_1x1']))
    for pad in ('after', 'before'):
        for count, name in ((True, 'count_pad'), (False, 'no_count')):
            key = f'pad_{pad}_{name}'
            yield key, rel(pool_kernel(tensor(group['k5']), 2, pad=pad, count_pad=count), tensor(group[key]))


def parallel_block(group):
    "Yield (name, deviation) of RepVGG's block: kernel, bias and output merged, and output of the branches"
    block = ParallelConv(2, 2, (3, 1, 'identity')).double().eval()
    with torch.no_grad():
        for (*conv, bn), name in zip(block.branches, ('b3', 'b1', 'id')):
            if conv: conv[0].weight.copy_(tensor(group['w' + name[1]]))
            stored, bn.eps = group['bn'][name], group['eps']
            for p, key in ((bn.weight, 'gamma'), (bn.bias, 'beta'), (bn.running_mean, 'mean'), (bn.running_var, 'var')):
                p.copy_(double(stored[key]))
        conv, x = block.fuse(), tensor(group['x']).double()
        yield 'kernel', rel(conv.weight, tensor(group['K']).double())
        yield 'bias', rel(conv.bias, double(group['b']))
        yield 'merged output', rel(conv(x), tensor(group['y']).double())
        yield 'output of the branches', rel(block(x), tensor(group['y']).double())


def dilated_merge(group):
    "Yield (name, deviation) of a 7x7 kernel and a dilated 3x3 one: merged kernel and its output"
    kernel, _ = merge_branches([tensor(group['k7']), tensor(group['k3'])], dilations=[1, 2])
    yield 'kernel', rel(kernel, tensor(group['K']).double())
    y = torch.nn.functional.conv2d(tensor(group['x']).double(), kernel, padding=3)
    yield 'output', rel(y, tensor(group['y']).double())


def fourier_kernels(group):
    """Yield (name, deviation) of Fourier kernels in both norms, at their own length and at the others' rates

    The stored kernel of length 4 has 4 modes, of which irfft drops the last: a length of 4 holds 3."""
    for c in group['cases']:
        w = torch.stack([tensor(c['coef_real']), tensor(c['coef_imag'])], -1).double()
        modes = min(w.shape[1], c['length'] // 2 + 1)
        for norm in ('backward', 'ortho'):
            k = FourierKernel(w.shape[0], c['length'], modes, norm).double()
            with torch.no_grad(): k.weight.copy_(w[:, :modes])
            yield f"fourier {c['length']} {norm}", rel(k(), tensor(c[f'kernel_irfft_{norm}']).double())
            if norm == 'ortho': continue
            for other in group['cases']:          # the same parameters: the same kernel at another rate
                if other is c or min(c['length'], other['length']) < 2 * w.shape[1] - 1: continue
                want = tensor(other['kernel_irfft_backward']).double()
                yield f"fourier {c['length']} at {other['length']}", rel(k(other['length']), want)


def dilated_kernels(group, merge):
    "Yield (name, deviation) of dilated kernels and of what they make of a signal, causally"
    taps, u = tensor(group['k']).double(), tensor(merge['u']).double()
    channels, size = taps.shape
    for c in group['cases']:
        want = tensor(c['dense']).double()
        k = DilatedKernel(channels, size * c['dilation'], size).double()
        with torch.no_grad(): k.weight.copy_(taps)
        dense, span = k(), want.shape[-1]
        assert k.dilation == c['dilation'] and not dense[:, span:].any(), c['dilation']
        yield f"dilated {c['dilation']} dense", rel(dense[:, :span], want)
        y = conv1d(u, dense.flip(-1)[:, None], padding=k.length - 1, groups=channels)[..., :u.shape[-1]]
        yield f"dilated {c['dilation']} y", rel(y, tensor(c['y']).double())

def causal_merge(group):
    "Yield (name, deviation) of a merged layer: kernel, bias, output"
    shape = group['alpha']['shape']
    layer = MRConv(shape[1], group['L'], 'dense', l0=group['l0']).double().eval()
    names = dict(weight='gamma', bias='beta', running_mean='mean', running_var='var')
    with torch.no_grad():
        for own, k in zip(layer.kernels, group['kernels'], strict=True): own.weight.copy_(tensor(k).double())
        layer.alpha.copy_(tensor(group['alpha']))
        for name, key in names.items(): getattr(layer.norm, name).copy_(double([b[key] for b in group['bn']]).flatten())
    layer.norm.num_batches_tracked += 1
    u = tensor(group['u']).double()
    for name, m in (('training form', layer), ('merged', layer.fuse())): yield name, rel(m(u), tensor(group['y']).double())
    kernel, bias, _ = layer.merged()
    yield 'kernel', rel(kernel, tensor(group['k_rep']).double())
    yield 'bias', rel(bias, double(group['b_rep']))


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
        dnarch=dnarch(v['dnarch_masks']),
        flexconv_crop=crops(v['flexconv_crop']),
        gradient_smoothing=smoothing(v['gradient_smoothing']),
        bn_calibration=calibration(v['bn_calibration']),
        mixsize_config=configs(v['mixsize_config_table']),
        mixsize_expectations=expectations(v['mixsize_expectations']),
        lowmode_kernel_pool=pooling(v['lowmode_kernel_pool']),
        bn_merge_repvgg_block=parallel_block(v['bn_merge_repvgg_block']),
        dilated_reparam_merge_2d=dilated_merge(v['dilated_reparam_merge_2d']),
        mrconv_fourier_kernels=fourier_kernels(v['mrconv_fourier_kernels']),
        mrconv_dilated_kernels=dilated_kernels(v['mrconv_dilated_kernels'], v['mrconv_causal_merge']),
        mrconv_causal_merge=causal_merge(v['mrconv_causal_merge']))
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
