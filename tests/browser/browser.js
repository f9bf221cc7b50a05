// SPDX-License-Identifier: MIT
// What the browser tests share: a headless Chromium, and one line of JSON on standard output for each
// claim, which tests/e2e/browser.py turns into TAP. The environment says
//   BROWSER_MODULES  the folder that has node_modules/playwright-core
//   SCREENSHOTS      a folder for pictures; where it is not set, none are taken
import { createRequire } from "node:module";

const { chromium } = createRequire(process.env.BROWSER_MODULES + "/")("playwright-core");

const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
	"--disable-background-networking", "--disable-component-update", "--disable-sync"];

export function ok(condition, name, detail = "") {
	console.log(JSON.stringify({ ok: Boolean(condition), name, detail: String(detail) }));
}

export function same(got, want, name) {
	ok(JSON.stringify(got) === JSON.stringify(want), name,
		`got:  ${JSON.stringify(got)}\nwant: ${JSON.stringify(want)}`);
}

// A profile of its own for the run, in TMPDIR; fn makes a context for each case, so that no cookie goes
// from one to the next.
export async function withBrowser(fn) {
	const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args: flags });
	try {
		await fn(browser);
	} finally {
		await browser.close();
	}
}

export async function shot(page, name) {
	if (process.env.SCREENSHOTS)
		await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });
}
