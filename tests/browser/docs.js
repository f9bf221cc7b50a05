// SPDX-License-Identifier: MIT
// The documentation in a browser. Arguments: the origin of the site, the path it is mounted under ("" or
// "/tpauth"), and for a site without the files of Swagger UI "cdn": then CDN is the address of the one that it
// names, which FILES, the folder with these files, is put in the place of. The password of alice is in PASSWORD.
import { readFileSync } from "node:fs";
import { ok, same, shot, withBrowser } from "./browser.js";

const [site, mount, part] = process.argv.slice(2);
const password = process.env.PASSWORD;

// A page of a new visitor. What the console complains about is kept, and which addresses were asked for.
async function visitor(browser) {
	const page = await (await browser.newContext({ viewport: { width: 1200, height: 1000 } })).newPage();
	page.complaints = [];
	page.elsewhere = [];
	page.on("console", m => ["error", "warning"].includes(m.type()) && page.complaints.push(m.text()));
	page.on("pageerror", e => page.complaints.push(String(e)));
	page.on("request", r => !/^(data|blob):/.test(r.url()) && !r.url().startsWith(site + mount + "/") &&
		page.elsewhere.push(r.url()));
	page.setDefaultTimeout(20000);
	return page;
}

async function logIn(page) {
	await page.getByRole("button", { name: "Authorize" }).first().click();
	const dialog = page.locator(".auth-container").filter({ hasText: "OAuth2, password" });
	same((await dialog.locator("code").first().innerText()).trim(), mount + "/token", "Authorize names the token endpoint");
	await shot(page, "authorize");
	await dialog.locator("#oauth_username").fill("alice");
	await dialog.locator("#oauth_password").fill(password);
	const answer = page.waitForResponse(site + mount + "/token");
	await dialog.getByRole("button", { name: "Apply given OAuth2 credentials" }).click();
	same((await answer).status(), 200, "Authorize logs in at the token endpoint");
	ok(await dialog.getByRole("button", { name: "Remove authorization" }).isVisible(), "and is content");
	await shot(page, "authorized");
	await page.getByRole("button", { name: "Close" }).first().click();
}

// The answer of GET /userinfo, as the page shows it.
async function tryOut(page) {
	const entry = page.locator(".opblock-get").filter({ hasText: "/userinfo" }).first();
	await entry.locator(".opblock-summary-control").click();
	await entry.getByRole("button", { name: "Try it out" }).click();
	const answer = page.waitForResponse(site + mount + "/userinfo");
	await entry.getByRole("button", { name: "Execute" }).click();
	const status = (await answer).status();
	const shown = await entry.locator(".live-responses-table .response-col_description pre").first().innerText();
	return { status, shown, asked: (await answer).request().headers() };
}

async function openSwagger(browser) {
	const page = await visitor(browser);
	await page.goto(site + mount + "/docs");
	await page.locator(".opblock").first().waitFor();
	return page;
}

async function refused(browser) {
	const page = await openSwagger(browser);
	same((await tryOut(page)).status, 401, "Try it out without a login is refused");
}

async function swagger(browser) {
	const page = await openSwagger(browser);
	same(await page.title(), "Tea & Co <3", "Swagger UI has the title");
	same((await page.locator(".info .title").innerText()).split("\n")[0].trim(), "Tea & Co <3", "and shows it as text");
	await shot(page, "swagger");
	await logIn(page);
	const after = await tryOut(page);
	same(after.status, 200, "Try it out after it is not");
	ok(/^Bearer \S+$/.test(after.asked.authorization || ""), "it sends the bearer token");
	ok(after.shown.includes('"user_id": "alice"') && after.shown.includes('"read"'), "and shows the claims", after.shown);
	await page.locator(".live-responses-table").first().scrollIntoViewIfNeeded();
	await shot(page, "userinfo");
	same(page.complaints, [], "nothing of Swagger UI is against the policy");
	same(page.elsewhere, [], "it asks nobody else");
}

async function redoc(browser) {
	const page = await visitor(browser);
	await page.goto(site + mount + "/redoc");
	await page.getByRole("heading", { name: "Tea & Co <3" }).first().waitFor();
	await page.getByRole("heading", { name: "The claims of the current user" }).first().waitFor();
	same(await page.title(), "Tea & Co <3", "ReDoc has the title");
	const color = await page.evaluate(() => getComputedStyle(document.querySelector("h1")).color);
	ok(color !== "rgb(0, 0, 0)", "its style sheets count", color);
	await shot(page, "redoc");
	same(page.complaints, [], "nothing of ReDoc is against the policy");
	same(page.elsewhere, [], "it asks nobody else");
}

const types = { css: "text/css", js: "text/javascript" };

// change: of the bytes of a file on their way.
async function fromCdn(browser, change = text => text) {
	const page = await visitor(browser);
	await page.route(process.env.CDN + "/**", route => {
		const name = route.request().url().replace(/.*\//, "");
		route.fulfill({ body: change(readFileSync(`${process.env.FILES}/${name}`, "utf8")),
			contentType: types[name.replace(/.*\./, "")], headers: { "Access-Control-Allow-Origin": "*" } });
	});
	await page.goto(site + mount + "/docs", { waitUntil: "networkidle" });
	return page;
}

async function cdn(browser) {
	const page = await fromCdn(browser);
	await page.locator(".opblock").first().waitFor();
	same(page.elsewhere.map(url => url.replace(/@[0-9.]+/, "")).sort(),
		["bundle.js", "css"].map(end => `${process.env.CDN}/swagger-ui-dist/swagger-ui${end === "css" ? "." : "-"}${end}`).sort(),
		"the two files come from the CDN, and nothing else does");
	same(page.complaints, [], "the policy lets them in");
	const forged = await fromCdn(browser, text => text + " ");
	same(await forged.locator(".opblock").count(), 0, "what the CDN has changed does not run");
	ok(forged.complaints.some(text => text.includes("integrity")), "for its hash", forged.complaints);
}

await withBrowser(async browser => {
	if (part === "cdn")
		return cdn(browser);
	await refused(browser);
	await swagger(browser);
	await redoc(browser);
});
