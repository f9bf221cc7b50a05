// SPDX-License-Identifier: MIT
// Starts ReDoc. Without its search, which would need a worker made from a text.
"use strict";

{
	const page = document.getElementById("page");

	document.body.style.margin = "0";
	Redoc.init(page.dataset.openapi, { disableSearch: true, nativeScrollbars: true, untrustedSpec: true }, page);
}
