// SPDX-License-Identifier: MIT
// The login page in a browser. Arguments: the origin of the site, that of another one, and which part
// to play: "visit" (SameSite=strict, the default) or "links" (SameSite=lax). The password of alice is in
// PASSWORD. The other site has /post (a form that logs in here by itself), /logout (one that logs out)
// and /link (a link to the protected page).
import { ok, same, shot, withBrowser } from "./browser.js";

const [site, other, part] = process.argv.slice(2);
const password = process.env.PASSWORD;
const SECRET = "This is the protected page.";

// A page of a new visitor; what the console complains about is kept.
async function visitor(browser, options = {}) {
	const context = await browser.newContext(options);
	const page = await context.newPage();
	page.complaints = [];
	page.on("console", m => ["error", "warning"].includes(m.type()) && page.complaints.push(m.text()));
	page.setDefaultTimeout(15000);
	return page;
}

async function fill(page, secret = password) {
	await page.getByLabel("User name").fill("alice");
	await page.getByLabel("Password").fill(secret);
	await page.getByRole("button", { name: "Log in" }).click();
}

const text = page => page.locator("body").innerText();

async function thereAndBack(browser) {
	const page = await visitor(browser);
	await page.goto(site + "/app/page.html?a=1&b=2");
	same(page.url(), site + "/login?return_to=/app/page.html%3Fa%3D1%26b%3D2", "a protected page leads to the form");
	same(await page.title(), "Log in – Tea & Co <3", "the page has the title of APP_TITLE");
	same(await page.evaluate("document.activeElement.id"), "username", "the name is ready to be typed");
	await shot(page, "form");
	await fill(page, "wrong");
	same(page.url(), site + "/login", "a wrong password stays at the form");
	same(await page.getByRole("alert").innerText(), "The user name or the password is wrong.", "and says so");
	same(await page.getByLabel("User name").inputValue(), "alice", "it keeps the name");
	same(await page.getByLabel("Password").inputValue(), "", "and not the password");
	same(await page.evaluate("document.activeElement.id"), "password", "the password is ready to be typed");
	await shot(page, "wrong");
	await page.getByLabel("Password").fill(password);
	await page.keyboard.press("Enter");
	await page.waitForURL("**/app/**");
	same(page.url(), site + "/app/page.html?a=1&b=2", "the right password leads to the page that was asked for");
	same(await text(page), SECRET, "which is there");
	const cookies = await page.context().cookies();
	same(cookies.map(c => [c.name, c.httpOnly, c.sameSite, c.path]).sort(),
		[["access_token", true, "Strict", "/"], ["user_id", true, "Strict", "/"]], "by two cookies that no script sees");
	await page.goto(site + "/login?return_to=/app/page.html");
	ok((await text(page)).includes("You are logged in as alice."), "the login page tells who is logged in");
	await shot(page, "session");
	await page.getByRole("link").click();
	same(await text(page), SECRET, "and shows the way on");
	await page.goto(site + "/login");
	await page.getByRole("button", { name: "Log out" }).click();
	await page.getByLabel("User name").waitFor();
	same([page.url(), await page.context().cookies()], [site + "/login", []], "the way out ends at the form, without cookies");
	await page.goto(site + "/app/page.html");
	same(page.url(), site + "/login?return_to=/app/page.html", "and the protected page asks again");
	same(page.complaints.filter(t => !t.includes("status of 40")), [], // the wrong password, and no favicon
		"the browser found nothing to complain about");
	await page.context().close();
}

async function looks(browser) {
	for (const [name, options] of [["light", {}], ["dark", { colorScheme: "dark" }],
		["narrow", { viewport: { width: 320, height: 568 } }],
		["zoomed", { viewport: { width: 320, height: 256 }, colorScheme: "dark" }]]) {
		const page = await visitor(browser, { viewport: { width: 1000, height: 700 }, ...options });
		await page.goto(site + "/login");
		await fill(page, "wrong");
		ok(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), `${name}: nothing is cut off at the side`);
		ok(await page.evaluate("getComputedStyle(document.querySelector('main')).borderTopLeftRadius !== '0px'"),
			`${name}: the policy lets the style in`);
		ok(await page.evaluate(`[...document.querySelectorAll("input:not([type=hidden]), button")]
			.every(e => e.getBoundingClientRect().height >= 44)`), `${name}: fields and buttons can be hit by a thumb`);
		for (const what of ["[role=alert]", "label", "button", ".title", "input"])
			ok(await page.evaluate(contrast, what) >= 4.5, `${name}: ${what} can be read (WCAG 1.4.3)`,
				await page.evaluate(contrast, what));
		await shot(page, name);
		await page.context().close();
	}
}

// Contrast of an element's text on the first background behind it.
function contrast(selector) {
	const channels = s => s.match(/[\d.]+/g).map(Number);
	const luminance = c => channels(c).slice(0, 3).map(v => v / 255)
		.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	let e = document.querySelector(selector), behind = e;
	while (channels(getComputedStyle(behind).backgroundColor)[3] === 0)
		behind = behind.parentElement;
	const [a, b] = [luminance(getComputedStyle(e).color), luminance(getComputedStyle(behind).backgroundColor)];
	return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

async function withoutScript(browser) {
	const page = await visitor(browser, { javaScriptEnabled: false });
	await page.goto(site + "/app/page.html");
	await fill(page);
	await page.waitForURL("**/app/page.html");
	ok((await page.content()).includes(SECRET), "all of it works without script");
	await page.context().close();
}

// What a browser makes of each return_to, in the link to the page and in a form that was tampered with.
async function hostile(browser) {
	const host = new URL(other).host;
	const values = [`//${host}/`, `///${host}/`, `/\\${host}/`, `\\\\${host}/`, `/\t/${host}/`, `/\n/${host}/`,
		`\t//${host}/`, ` //${host}/`, `/%2f${host}/`, `/%5c${host}/`, `/%09/${host}/`, `/.//${host}/`, `/..//${host}/`,
		`/%2e//${host}/`, `http:${host}/`, `http://${host}/`, `https://${host}/`, "javascript:alert(1)",
		"data:text/html,x", `/\r\nLocation: http://${host}/`];
	const page = await visitor(browser);
	for (const value of values) {
		const name = JSON.stringify(value);
		await page.context().clearCookies();
		const answer = await page.goto(site + "/login?return_to=" + encodeURIComponent(value));
		same(await page.locator("input[name=return_to]").count(), 0, `${name} does not get into the form`);
		if (answer.status() === 400) // lighttpd itself refuses control characters, encoded ones as well
			await page.goto(site + "/login");
		// Not through an input, which takes line breaks out of its value.
		await page.evaluate(v => {
			const field = document.createElement("textarea");
			field.name = "return_to";
			field.value = v;
			document.querySelector("form").append(field);
		}, value);
		await fill(page);
		await page.getByText("You are logged in as alice.").waitFor();
		same(page.url(), site + "/login", `${name} leads nowhere else`);
	}
	await page.goto(site + "/login?return_to=" + encodeURIComponent("/x\"><script>document.title='evil'</script>"));
	ok(!(await page.title()).includes("evil"), "a return_to is no markup");
	await page.context().close();
}

async function crossSite(browser) {
	const page = await visitor(browser);
	const answer = page.waitForResponse(r => r.request().method() === "POST");
	await page.goto(other + "/post").catch(() => {});
	same((await answer).status(), 403, "a login that another site posts is refused");
	same(await page.context().cookies(), [], "and sets no cookie");
	await page.goto(site + "/login");
	await fill(page);
	await page.getByText("You are logged in as alice.").waitFor();
	const out = page.waitForResponse(r => r.request().method() === "POST");
	await page.goto(other + "/logout").catch(() => {});
	same((await out).status(), 403, "a logout as well");
	await page.goto(site + "/app/page.html");
	same(await text(page), SECRET, "which ended nothing");
	const frame = await page.goto(other + "/frame");
	ok(frame.ok(), "another site shows a page with a frame");
	await page.waitForTimeout(500);
	ok(!(await Promise.all(page.frames().slice(1).map(f => f.content().catch(() => ""))))
		.some(c => c.includes("You are logged in")), "in which the login page does not appear");
	await page.context().close();
}

async function link(browser, lax) {
	const page = await visitor(browser);
	await page.goto(site + "/login");
	await fill(page);
	await page.getByText("You are logged in as alice.").waitFor();
	await page.goto(other + "/link");
	await page.getByRole("link").click();
	await page.waitForURL(site + "/**");
	if (lax) {
		same(await text(page), SECRET, "lax: who follows a link from another site is still logged in");
		await page.context().close();
		return;
	}
	same(page.url(), site + "/login?return_to=/app/page.html", "strict: who follows a link from another site gets the form");
	await page.reload();
	await fill(page).catch(() => {});
	await page.goto(site + "/app/page.html");
	same(await text(page), SECRET, "strict: and is logged in all the same");
	await page.context().close();
}

await withBrowser(async browser => {
	if (part === "links") {
		await link(browser, true);
		return;
	}
	await thereAndBack(browser);
	await looks(browser);
	await withoutScript(browser);
	await hostile(browser);
	await crossSite(browser);
	await link(browser, false);
});
