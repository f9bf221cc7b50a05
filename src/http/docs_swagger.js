// SPDX-License-Identifier: MIT
// Starts Swagger UI. It sends nothing to others: no validator of theirs, no other document than ours.
"use strict";

document.body.style.margin = "0";
SwaggerUIBundle({
	domNode: document.getElementById("page"),
	url: document.getElementById("page").dataset.openapi,
	presets: [SwaggerUIBundle.presets.apis],
	layout: "BaseLayout",
	deepLinking: true,
	displayRequestDuration: true,
	persistAuthorization: false,
	queryConfigEnabled: false,
	validatorUrl: null,
	withCredentials: false,
});
