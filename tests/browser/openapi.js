// SPDX-License-Identifier: MIT
// Holds OpenAPI documents against the schema of the standard. Arguments: two, which are not looked at, and files.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { ok, same } from "./browser.js";

const modules = pathToFileURL(process.env.BROWSER_MODULES + "/node_modules/");
const { Validator } = await import(new URL("@seriousme/openapi-schema-validator/index.js", modules));

for (const file of process.argv.slice(4)) {
	const name = file.replace(/.*\//, "");
	const validator = new Validator();
	const result = await validator.validate(JSON.parse(readFileSync(file, "utf8")));

	ok(result.valid, `${name} is a valid document`, JSON.stringify(result.errors, null, 1));
	same(validator.version, "3.1", `${name} is one of OpenAPI 3.1`);
}
