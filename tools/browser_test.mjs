// Run notebooks in JupyterLab and move every control of their explorers by keyboard; see browser_test.py, which starts this.
import { chromium } from 'playwright-core'

const { CHROMIUM, BASE, TOKEN, OUT } = process.env
const start = Date.now()
const say = (...words) => console.log(((Date.now() - start) / 1000).toFixed(0).padStart(4) + ' s ', ...words)
let moved = 0, faults = 0, ran = false
const fault = (...words) => { faults++; say('FAULT', ...words) }

// Open a notebook, run all of it, wait for the kernel to rest.
async function run(page, name) {
  await page.goto(`${BASE}/lab/workspaces/w${Math.random().toString(36).slice(2)}/tree/nbs/${name}.ipynb?token=${TOKEN}&reset`)
  await page.locator('.jp-Notebook .jp-CodeCell').first().waitFor({ timeout: 60000 })
  const choose = page.locator('.jp-Dialog button.jp-mod-accept')            // JupyterLab may ask which kernel
  await choose.waitFor({ timeout: 6000 }).then(() => choose.click(), () => {})
  await page.waitForFunction(() => document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle', null, { timeout: 60000 })
  const begun = () => page.waitForFunction(() => [...document.querySelectorAll('.jp-Notebook .jp-InputPrompt')]
    .some(p => /^\[[\d*]+\]:$/.test(p.textContent.trim())), null, { timeout: 15000 }).then(() => true, () => false)
  for (let i = 0; i < 3; i++) {                // a kernel that has just started may miss the first call
    await page.locator('.lm-MenuBar-itemLabel:text-is("Run")').click()
    await page.getByText('Run All Cells', { exact: true }).click()
    if (await begun()) break
  }
  ran = true
  const prompts = () => page.locator('.jp-Notebook .jp-CodeCell .jp-InputPrompt').allInnerTexts()
  const live = page.locator('.jp-Notebook .jp-CodeCell', { hasText: '#| example' }).filter({ hasText: '.monitor()' })
  const seen = new Set()
  for (let quiet = 0, i = 0; quiet < 4 && i < 480; i++) {              // until no cell waits, for two seconds
    quiet = (await prompts()).some(p => p.includes('*')) ? 0 : quiet + 1
    for (const src of await live.locator('.jp-OutputArea img').evaluateAll(found => found.map(f => f.src))) seen.add(src)
    await page.waitForTimeout(500)
  }
  if (await live.count()) {                                            // a fit that is watched: drawn again and again
    say(name, 'the monitor showed', seen.size, 'pictures')
    if (seen.size < 3) fault(name, 'the monitor does not follow the fit')
    await live.first().screenshot({ path: `${OUT}/${name.replaceAll('/', '_')}-monitor.png` })
  }
  const left = (await prompts()).filter(p => !/\d/.test(p)).length
  const errors = await page.locator('.jp-OutputArea-output', { hasText: 'Traceback (most recent call last)' }).allInnerTexts()
  for (const e of errors) fault(name, 'error output:', e.slice(-600))
  if (left) fault(name, left, 'cells have not run')
}

// Press keys until the picture differs from `before`.
async function changes(box, before, tries) {
  for (let i = 0; i < tries; i++) {
    if (await box.locator('[role=alert]').count()) return 'an error: ' + await box.locator('[role=alert]').innerText()
    if (await box.locator('img').getAttribute('src') !== before) return null
    await new Promise(r => setTimeout(r, 100))
  }
  return 'the picture did not change'
}

async function press(page, box, control, label, keys, must = true) {
  const before = await box.locator('img').getAttribute('src')
  await control.focus()
  for (const k of keys) { await page.keyboard.press(k); await page.waitForTimeout(60) }
  const wrong = await changes(box, before, must ? 100 : 20)
  if (wrong && (must || wrong.startsWith('an error'))) fault(label, keys.join(' ') + ':', wrong)
  else moved++
  return !wrong
}

// All sliders that are enabled now and not yet moved. At its upper end a slider is moved down.
async function sliders(page, box, name, done) {
  const rows = box.locator('.widget-slider')
  for (let i = 0; i < await rows.count(); i++) {
    const row = rows.nth(i), handle = row.locator('.noUi-handle'), label = await row.locator('.widget-label').innerText()
    if (done.has(label) || await row.locator('[disabled]').count()) continue
    const [now, top] = [await handle.getAttribute('aria-valuenow'), await handle.getAttribute('aria-valuemax')].map(Number)
    const key = now > top - 1e-6 ? 'ArrowLeft' : 'ArrowRight'
    await press(page, box, handle, `${name}: ${label}`, [key, key, key])
    done.add(label)
  }
}

async function explore(page, box, name) {
  const done = new Set()
  await sliders(page, box, name, done)
  const ticks = box.locator('input[type=checkbox]')
  for (let i = 0; i < await ticks.count(); i++)
    if (await ticks.nth(i).isEnabled()) await press(page, box, ticks.nth(i), `${name}: tick box ${i + 1}`, ['Space'])
  const groups = box.locator('.widget-toggle-buttons')
  for (let g = 0; g < await groups.count(); g++) {      // two choices may look alike at this state, but not all
    const buttons = groups.nth(g).locator('.widget-toggle-button')
    let seen = 0
    for (let i = await buttons.count() - 1; i >= 0; i--) {
      if (!await buttons.nth(i).isEnabled()) continue
      seen += await press(page, box, buttons.nth(i), `${name}: ${await buttons.nth(i).innerText()}`, ['Space'], false)
      await sliders(page, box, name, done)
    }
    if (!seen && await buttons.first().isEnabled()) fault(`${name}: choices ${g + 1}: none of them changes the picture`)
  }
}

const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
const page = await (await browser.newContext({ viewport: { width: 1250, height: 1000 } })).newPage()
await page.route(u => !u.hostname.startsWith('127.'), r => r.abort())
for (const name of process.argv.slice(2)) {
  try {
    await run(page, name)
    const boxes = page.locator('.jp-OutputArea-output .widget-vbox:has(img[alt])'), n = await boxes.count()
    say(name, 'has run;', n, 'explorers')
    if (!n) fault(name, 'shows no explorer')
    for (let i = 0; i < n; i++) {
      await boxes.nth(i).scrollIntoViewIfNeeded()
      await explore(page, boxes.nth(i), `${name} ${i + 1}`)
      await boxes.nth(i).screenshot({ path: `${OUT}/${name.replaceAll('/', '_')}-${i + 1}.png` })
    }
  } catch (e) {
    if (!ran) {                                  // the browser or JupyterLab, not an explorer
      say('skipped: JupyterLab did not run a notebook here:', e.message.split('\n')[0])
      await browser.close()
      process.exit(77)
    }
    fault(name, e.message.slice(0, 400))
    await page.screenshot({ path: `${OUT}/${name.replaceAll('/', '_')}-fault.png` })
  }
}
await browser.close()
say(`${moved} controls moved, ${faults} faults`)
process.exit(faults || !moved ? 1 : 0)
