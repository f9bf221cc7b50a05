-- What authorizer-mod_fcgid.conf needs besides Apache's directives. Change: the login page, "" for none.
local login_page = "/login"

local told = { "REMOTE_USER", "TPAUTH_USER_ID", "TPAUTH_USERNAME", "TPAUTH_EMAIL", "TPAUTH_SCOPES", "TPAUTH_JWT" }

-- What tpauth said, told from the headers that are left of it.
local unproved = '{"error":"invalid_token","error_description":"Could not validate credentials","detail":"Could not validate credentials"}'
local no_scope = '{"error":"insufficient_scope","error_description":"Not enough permissions","detail":"Not enough permissions"}'
local foreign = '{"error":"access_denied","error_description":"Requests from this origin are not accepted","detail":"Requests from this origin are not accepted"}'
local trouble = '{"error":"temporarily_unavailable","error_description":"The service is not available at the moment","detail":"The service is not available at the moment"}'

local function refusal(r)
	local challenge = r.err_headers_out["WWW-Authenticate"]

	if r.err_headers_out["Retry-After"] then
		return 503, trouble
	elseif not challenge then
		return 403, foreign
	elseif challenge:find("insufficient_scope", 1, true) then
		return 403, no_scope
	end
	return 401, challenge == "Bearer" and '{"detail":"Not authenticated"}' or unproved
end

-- mod_fcgid adds the authorizer's headers to the answer; those are for the application only.
function hide(r)
	for _, name in ipairs(told) do
		r.err_headers_out["Variable-" .. name] = nil
	end
	return apache2.DECLINED
end

local function wants_page(r, method)
	local accept = r.headers_in["Accept"] or ""
	return method == "GET" and accept:find("text/html", 1, true) ~= nil
end

local function encode(s)
	return (s:gsub("[^A-Za-z0-9/._~-]", function(c) return string.format("%%%02X", c:byte()) end))
end

-- The document of a 401: a browser goes to the login page, a program gets what tpauth said.
function refused(r)
	local status, body = refusal(r)
	local method, target = r.the_request:match("^(%S+) (/%S*) ")

	if r.subprocess_env["REDIRECT_STATUS"] ~= "401" then
		return 404
	end
	if status == 401 and login_page ~= "" and wants_page(r, method) then
		r.status = 303
		r.headers_out["Location"] = login_page .. "?return_to=" .. encode(target)
		return apache2.OK
	end
	r.status = status
	r.content_type = "application/json"
	r:write(body)
	return apache2.OK
end
