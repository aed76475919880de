"""What keeps attackers out, each with the test that fails without it.

``scripts/defences`` takes them away one by one, in a copy of the source, and runs the test that is named, which has to
fail. ``docs/threats.md`` says the same for people; ``tests/test_defences.py`` sees to it that they agree.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Defence:
    """One place of the source, and what it would be without the defence."""

    threat: str
    """The heading of ``docs/threats.md`` below which it stands."""

    file: str
    """Below ``mcp_django``."""

    given: str
    """Text that stands in the file once."""

    without: str
    """What takes its place."""

    test: str
    """The test that fails then, as pytest names it, below ``tests``; with parameters, or all of them."""


_TOKENS = "auth/credentials.py"
_ACCESS = "engine/access.py"
_VERDICTS = "engine/verdicts.py"
_AUTHORIZE = "oauth/views/authorize.py"
_REGISTER = "oauth/views/register.py"
_VALIDATOR = "oauth/validators.py"
_DEFAULTS = "oauth/__init__.py"

_BEARER_TESTS = "auth/test_bearer.py"
_STREAM_TESTS = "auth/test_streams.py"
_ACCESS_TESTS = "engine/test_access.py"
_AUTHORIZE_TESTS = "oauth/views/test_authorize.py"
_REGISTER_TESTS = "oauth/views/test_register.py"
_FLOW_TESTS = "oauth/test_flow.py"
_VALIDATOR_TESTS = "oauth/test_validators.py"

DEFENCES = (
    Defence(
        "DNS rebinding",
        "transports/requests.py",
        "            check_host(scope, headers)\n",
        "",
        "transports/test_streamable_http.py::test_a_page_of_somebody_elses_reaches_nothing",
    ),
    Defence(
        "DNS rebinding",
        "transports/requests.py",
        "            check_origin(scope, headers)\n",
        "",
        "transports/test_streamable_http.py::test_a_page_of_somebody_elses_reaches_nothing",
    ),
    Defence(
        "DNS rebinding",
        "transports/django_view.py",
        "    check_host(scope, headers)\n    check_origin(scope, headers)\n",
        "",
        "transports/test_django_view.py::test_whoever_may_not_ask_is_refused",
    ),
    Defence(
        "Another's session",
        "sessions/store.py",
        "    return session if session.owner == owner else None\n",
        "    return session\n",
        f"{_STREAM_TESTS}::test_a_session_is_there_for_its_own_user_and_client_alone",
    ),
    Defence(
        "Another's session",
        "auth/principal.py",
        'return ("" if self.account is None else str(self.account.pk), self.client_id or "")',
        'return ("" if self.account is None else str(self.account.pk), "")',
        f"{_STREAM_TESTS}::test_a_session_is_there_for_its_own_user_and_client_alone",
    ),
    Defence(
        "Another's session",
        "transports/resumable.py",
        "        request_id = await find_request(session.id, stream)\n",
        "        from mcp_django.models import StreamEvent\n\n"
        "        row = await StreamEvent.objects.filter(stream=stream).afirst()\n"
        "        request_id = None if row is None else row.request_id\n",
        f"{_STREAM_TESTS}::test_nobody_else_reads_on_where_a_client_was_lost",
    ),
    Defence(
        "Another's session",
        "transports/sse.py",
        'await find_session(session_id, self.server.path, request.principal, "sse") is None',
        "not session_id",
        f"{_STREAM_TESTS}::test_nobody_else_posts_to_a_stream",
    ),
    Defence(
        "Another's answers",
        "engine/rounds.py",
        '    if state["for"] != _binding(exchange):\n',
        "    if False:\n",
        f"{_STREAM_TESTS}::test_a_state_that_was_sealed_for_one_user_is_refused_from_another",
    ),
    Defence(
        "Another's answers",
        "engine/rounds.py",
        "        *exchange.principal.owner,\n",
        "",
        f"{_STREAM_TESTS}::test_a_state_that_was_sealed_for_one_user_is_refused_from_another",
    ),
    Defence(
        "Another's answers",
        "engine/rounds.py",
        '    if state["expires"] < time():\n',
        "    if False:\n",
        "engine/test_rounds.py::test_a_state_is_good_for_ten_minutes",
    ),
    Defence(
        "Another's answers",
        "engine/rounds.py",
        "        hashlib.sha256(arguments).hexdigest(),\n",
        "",
        "engine/test_rounds.py::test_a_state_is_good_for_its_arguments_alone",
    ),
    Defence(
        "Consent that nobody gave",
        _AUTHORIZE,
        '        asked.pop("approval_prompt", None)  # it would be the client that waives the question\n',
        "",
        f"{_AUTHORIZE_TESTS}::test_a_client_can_not_waive_the_question",
    ),
    Defence(
        "Consent that nobody gave",
        _AUTHORIZE,
        '        if request.method != "POST" and not may_skip(credentials):\n            raise ConsentNeeded\n',
        "",
        f"{_AUTHORIZE_TESTS}::test_a_client_that_nobody_set_up_is_asked_about_each_time",
    ),
    Defence(
        "Consent that nobody gave",
        _AUTHORIZE,
        'return by_hand and not is_local(credentials["redirect_uri"])',
        "return by_hand",
        f"{_AUTHORIZE_TESTS}::test_so_is_one_on_ones_own_computer",
    ),
    Defence(
        "A program that calls itself another",
        "templates/mcp_django/authorize.html",
        "<b>{{ redirect_host }}</b>",
        "",
        f"{_AUTHORIZE_TESTS}::test_the_page_says_who_asks_where_it_leads_to_and_for_whom",
    ),
    Defence(
        "A program that calls itself another",
        "templates/mcp_django/authorize.html",
        "<b>{{ account.get_username }}</b>",
        "",
        f"{_AUTHORIZE_TESTS}::test_it_shows_the_account_whatever_the_projects_templates_know",
    ),
    Defence(
        "A program that calls itself another",
        "templates/mcp_django/authorize.html",
        "{% if is_local %}",
        "{% if 0 %}",
        f"{_AUTHORIZE_TESTS}::test_a_client_on_ones_own_computer_comes_with_a_warning",
    ),
    Defence(
        "A program that calls itself another",
        "oauth/clients.py",
        '        ascii_host = host.encode("idna").decode() if not host.isascii() else host\n',
        "        ascii_host = host\n",
        "oauth/test_clients.py::test_a_host_is_shown_so_that_it_can_not_pass_for_another",
    ),
    Defence(
        "A client of anybody's that signs in as itself",
        _REGISTER,
        "authorization_grant_type=model.GRANT_AUTHORIZATION_CODE,",
        'authorization_grant_type=str((metadata.get("grant_types") or ["authorization_code"])[0]).replace("_", "-"),',
        f"{_REGISTER_TESTS}::test_whatever_it_asks_for_it_gets_no_other_grant",
    ),
    Defence(
        "A client of anybody's that signs in as itself",
        _VALIDATOR,
        'if grant_type == "client_credentials" and find_account(request.client) is None:',
        "if False:",
        f"{_VALIDATOR_TESTS}::test_a_program_without_an_account_gets_nothing_of_the_servers",
    ),
    Defence(
        "A client of anybody's that signs in as itself",
        _TOKENS,
        '        raise Unacceptable("no_user")\n',
        "        return None\n",
        f"{_BEARER_TESTS}::test_a_token_of_nobody_is_invalid",
    ),
    Defence(
        "A client of anybody's that signs in as itself",
        _VALIDATOR,
        '        may_try = self.validate_grant_type(client.client_id, "password", client, request)\n',
        "        may_try = True\n",
        f"{_FLOW_TESTS}::test_a_password_gets_no_token_and_is_not_tried",
    ),
    Defence(
        "A token of another kind",
        _TOKENS,
        "return frozenset(mcp_scopes()) - {_registration_scope()}",
        "return frozenset(mcp_scopes())",
        f"{_BEARER_TESTS}::test_the_scope_for_registering_never_counts",
    ),
    Defence(
        "A token of another kind",
        _TOKENS,
        '    if not granted:\n        raise Unacceptable("no_scope")\n',
        "",
        f"{_BEARER_TESTS}::test_a_token_without_a_scope_of_this_project_is_invalid",
    ),
    Defence(
        "A token for another server",
        _TOKENS,
        '    if not _is_for(resource, audience):\n        raise Unacceptable("audience")\n',
        "",
        f"{_BEARER_TESTS}::test_a_token_for_another_server_is_invalid",
    ),
    Defence(
        "A token for another server",
        _TOKENS,
        "        return not get_settings().OAUTH.REQUIRE_AUDIENCE\n",
        "        return True\n",
        f"{_BEARER_TESTS}::test_a_token_for_no_server_in_particular_is_invalid_unless_a_setting_says_otherwise",
    ),
    Defence(
        "A token for another server",
        "oauth/resources.py",
        "    if strangers or not found:\n",
        "    if False:\n",
        f"{_FLOW_TESTS}::test_a_resource_that_nobody_serves_here_is_refused_before_anybody_is_asked",
    ),
    Defence(
        "A fetch of what is inside",
        "oauth/cimd.py",
        "            metadata, seconds = super().fetch(client_id)\n",
        '            metadata, seconds = __import__("requests").get(client_id, timeout=1).json(), 60\n',
        "oauth/test_cimd.py::test_no_document_is_fetched_from_inside",
    ),
    Defence(
        "A flood of fetches",
        "oauth/cimd.py",
        "return _may_fetch.get() and (not hosts or validate_host(host, hosts))",
        "return not hosts or validate_host(host, hosts)",
        "oauth/test_cimd.py::test_nobody_who_has_not_signed_in_makes_the_server_fetch_or_store_anything",
    ),
    Defence(
        "A redirect to somebody else",
        _VALIDATOR,
        "    # Scopes\n",
        "    def validate_redirect_uri(self, *args: Any, **kwargs: Any) -> bool:\n        return True\n",
        f"{_AUTHORIZE_TESTS}::test_nobody_is_sent_anywhere_that_the_client_did_not_register",
    ),
    Defence(
        "A redirect to somebody else",
        "oauth/forms.py",
        ' or not application.redirect_uri_allowed(cleaned.get("redirect_uri", ""))',
        "",
        f"{_AUTHORIZE_TESTS}::test_a_form_with_another_client_or_redirect_is_refused",
    ),
    Defence(
        "A redirect to somebody else",
        "oauth/clients.py",
        '        if parts.scheme == "http" and parts.hostname not in LOOPBACK:\n            return False\n',
        "",
        f"{_REGISTER_TESTS}::test_a_redirect_that_is_not_safe_is_refused",
    ),
    Defence(
        "A flood of clients",
        _REGISTER,
        "        if wait is not None:\n",
        "        if False:\n",
        f"{_REGISTER_TESTS}::test_an_address_may_register_so_often_and_no_oftener",
    ),
    Defence(
        "A flood of clients",
        _REGISTER,
        "if most and unused_clients()[:most].count() >= most:",
        "if False:",
        f"{_REGISTER_TESTS}::test_there_are_only_so_many_clients_that_nobody_uses",
    ),
    Defence(
        "A flood of clients",
        _REGISTER,
        "hash_client_secret=not public,",
        "hash_client_secret=True,",
        f"{_REGISTER_TESTS}::test_nobody_keeps_the_server_busy_with_hashing_secrets_that_nobody_is_told",
    ),
    Defence(
        "A flood of clients",
        _REGISTER,
        "if len(request.body) > MAX_BODY_BYTES:",
        "if False:",
        f"{_REGISTER_TESTS}::test_a_body_that_is_too_large_is_refused_before_it_is_parsed",
    ),
    Defence(
        "A token in a URL or a form",
        "transports/principals.py",
        "    resource, metadata = urls_of(server, scope, headers)\n",
        '    query = scope["query_string"].decode().removeprefix("access_token=")\n'
        '    headers = headers if not query else {**headers, "authorization": f"Bearer {query}"}\n'
        "    resource, metadata = urls_of(server, scope, headers)\n",
        f"{_BEARER_TESTS}::test_a_token_counts_in_the_header_alone",
    ),
    Defence(
        "A guess by the time it takes",
        _TOKENS,
        'rows = find_rows(get_access_token_model(), "token_checksum", checksums, _TOKEN + _user_names())',
        'rows = find_rows(get_access_token_model(), "token", checksums, _TOKEN + _user_names())',
        f"{_BEARER_TESTS}::test_the_check_is_one_query_that_uses_the_index",
    ),
    Defence(
        "A guess by the time it takes",
        _TOKENS,
        'rows = find_rows(APIKey, "key_checksum", [checksum for checksum, _ in asked], _KEY + _user_names())',
        'rows = find_rows(APIKey, "last4", [checksum[-4:] for checksum, _ in asked], _KEY + _user_names())',
        f"{_BEARER_TESTS}::test_the_check_is_one_query_that_uses_the_index",
    ),
    Defence(
        "A page in a frame",
        _AUTHORIZE,
        '    "X-Frame-Options": "DENY",\n',
        "",
        f"{_AUTHORIZE_TESTS}::test_no_other_page_can_frame_it_and_no_cache_keeps_it",
    ),
    Defence(
        "A page in a frame",
        _AUTHORIZE,
        "; frame-ancestors 'none'",
        "",
        f"{_AUTHORIZE_TESTS}::test_no_other_page_can_frame_it_and_no_cache_keeps_it",
    ),
    Defence(
        "A page in a frame",
        "oauth/views/connected.py",
        '        response["X-Frame-Options"] = "DENY"\n',
        '        response["X-Frame-Options"] = "SAMEORIGIN"\n',
        "oauth/test_connections.py::test_people_see_who_may_act_for_them_and_how",
    ),
    Defence(
        "A form that somebody else sends",
        _AUTHORIZE,
        '@method_decorator(login_not_required, name="dispatch")\nclass AuthorizeView',
        "from django.views.decorators.csrf import csrf_exempt\n\n\n"
        '@method_decorator([csrf_exempt, login_not_required], name="dispatch")\nclass AuthorizeView',
        f"{_AUTHORIZE_TESTS}::test_a_page_of_somebody_elses_can_not_answer",
    ),
    Defence(
        "A form that somebody else sends",
        "oauth/views/connected.py",
        '    http_method_names = ["post"]\n\n    def post(self, request: HttpRequest, pk: int)',
        '    http_method_names = ["post", "get"]\n\n    def get(self, request: HttpRequest, pk: int) -> HttpResponse:\n'
        "        return self.post(request, pk)\n\n    def post(self, request: HttpRequest, pk: int)",
        "oauth/test_connections.py::test_nobody_ends_it_by_a_link_or_from_elsewhere",
    ),
    Defence(
        "A stolen refresh token",
        _DEFAULTS,
        '"REFRESH_TOKEN_REUSE_PROTECTION": True,',
        '"REFRESH_TOKEN_REUSE_PROTECTION": False,',
        f"{_VALIDATOR_TESTS}::test_one_that_comes_again_later_was_stolen_and_ends_all_that_came_of_it",
    ),
    Defence(
        "A stolen refresh token",
        _DEFAULTS,
        '"ROTATE_REFRESH_TOKEN": True,',
        '"ROTATE_REFRESH_TOKEN": False,',
        f"{_VALIDATOR_TESTS}::test_renewing_keeps_user_scope_and_server",
    ),
    Defence(
        "A stolen refresh token",
        _VALIDATOR,
        "        if _was_renewed_just_now(refresh_token):\n            return False",
        "        if False:\n            return False",
        f"{_VALIDATOR_TESTS}::test_a_refresh_token_that_comes_twice_at_a_time_ends_nothing",
    ),
    Defence(
        "A stolen code",
        _VALIDATOR,
        "        if not valid:\n            _end_what_came_of(code, client)\n",
        "",
        f"{_FLOW_TESTS}::test_a_code_that_comes_twice_ends_all_that_came_of_it",
    ),
    Defence(
        "A stolen code",
        _DEFAULTS,
        '        "PKCE_REQUIRED": True,\n    }',
        '        "PKCE_REQUIRED": False,\n    }',
        f"{_FLOW_TESTS}::test_a_code_needs_a_challenge_that_was_hashed",
    ),
    Defence(
        "What was revoked goes on",
        _TOKENS,
        "def principals_of_tokens(",
        "@lambda fn: lambda asked, kept={}: [kept.get(each) or kept.setdefault(each, fn([each])[0]) for each in asked]"
        "\ndef principals_of_tokens(",
        f"{_BEARER_TESTS}::test_a_revoked_token_is_invalid_on_the_next_call",
    ),
    Defence(
        "What was revoked goes on",
        _TOKENS,
        '    if not account.is_active:\n        raise Unacceptable("inactive_user")\n',
        "",
        f"{_BEARER_TESTS}::test_the_token_of_a_user_who_is_not_active_any_more_is_invalid",
    ),
    Defence(
        "What was revoked goes on",
        _TOKENS,
        '    if expires is None or expires <= timezone.now():\n        raise Unacceptable("expired")\n',
        "",
        f"{_BEARER_TESTS}::test_an_expired_token_is_invalid",
    ),
    Defence(
        "What was revoked goes on",
        _TOKENS,
        "    if revoked is not None or (expires_at is not None and expires_at <= now):\n",
        "    if expires_at is not None and expires_at <= now:\n",
        f"{_BEARER_TESTS}::test_an_api_key_that_was_revoked_is_invalid_on_the_next_call",
    ),
    Defence(
        "What was revoked goes on",
        "auth/bearer.py",
        "    return await on_errand(partial(renew, principal))\n",
        "    return principal\n",
        f"{_STREAM_TESTS}::test_a_stream_ends_when_what_it_rests_on_is_gone",
    ),
    Defence(
        "What was revoked goes on",
        _TOKENS,
        "    return max(0.0, min(most, (principal.expires_at - now).total_seconds()))\n",
        "    return most if now else most\n",
        f"{_STREAM_TESTS}::test_a_stream_ends_when_its_token_expires",
    ),
    Defence(
        "What was revoked goes on",
        _VALIDATOR,
        "        return bool(valid and request.user is not None and request.user.is_active)\n",
        "        return bool(valid)\n",
        f"{_FLOW_TESTS}::test_a_user_who_was_deactivated_renews_nothing",
    ),
    Defence(
        "What was revoked goes on",
        "oauth/connections.py",
        "    for token in refresh:\n        token.revoke()\n",
        "",
        "oauth/test_connections.py::test_and_end_it_with_everything_that_the_client_holds",
    ),
    Defence(
        "One issuer taken for another",
        _AUTHORIZE,
        "with_issuer(redirect_to, issuer(self.request))",
        "redirect_to",
        f"{_AUTHORIZE_TESTS}::test_the_client_learns_who_answers",
    ),
    Defence(
        "Secrets in logs",
        "auth/bearer.py",
        "    token = bearer_of(headers)\n",
        '    token = bearer_of(headers)\n    __import__("logging").getLogger("mcp_django").info(token)\n',
        "oauth/test_logs.py::test_no_log_holds_a_token_a_code_a_key_a_secret_or_an_argument",
    ),
    Defence(
        "Secrets in logs",
        _DEFAULTS,
        '        "TOKEN_STORAGE",\n',
        "",
        f"{_FLOW_TESTS}::test_no_token_is_stored_in_the_clear",
    ),
    Defence(
        "Secrets in logs",
        "auth/access_token.py",
        'pass it on."""\n\n    def __init__(self, principal: Principal) -> None:\n',
        'pass it on."""\n\n    token = "secret"\n\n    def __init__(self, principal: Principal) -> None:\n',
        f"{_ACCESS_TESTS}::test_functions_know_all_of_the_token_but_the_token",
    ),
    Defence(
        "More than was needed",
        "auth/challenges.py",
        "wanted = dict.fromkeys([*get_settings().OAUTH.BASELINE_SCOPES, *scopes])",
        "from mcp_django.auth.resources import mcp_scopes\n\n    wanted = dict.fromkeys(mcp_scopes())",
        f"{_BEARER_TESTS}::test_who_brings_nothing_is_told_where_to_sign_in",
    ),
    Defence(
        "More than was needed",
        "oauth/scopes.py",
        "        if application.registration_source != application.RegistrationSource.MANUAL:\n",
        "        if False:\n",
        f"{_FLOW_TESTS}::test_a_client_that_registered_itself_gets_no_scope_but_the_servers",
    ),
    Defence(
        "More than was needed",
        "oauth/forms.py",
        '            cleaned["scope"] = " ".join(cleaned.get("scopes", []))\n',
        "",
        f"{_AUTHORIZE_TESTS}::test_each_scope_is_a_box_that_can_be_unticked",
    ),
    Defence(
        "What one may not do",
        _VERDICTS,
        "            verdicts[place] = Verdict.HIDDEN\n",
        "            pass\n",
        f"{_ACCESS_TESTS}::test_what_the_user_may_not_do_looks_as_if_it_were_not_there",
    ),
    Defence(
        "What one may not do",
        _VERDICTS,
        "    if principal.has_scopes(*access.scopes):\n        return Verdict.ALLOWED\n",
        "    if True:\n        return Verdict.ALLOWED\n",
        f"{_ACCESS_TESTS}::test_a_missing_scope_is_shown_and_answered_with_one_challenge_for_all",
    ),
    Defence(
        "What one may not do",
        _VERDICTS,
        '    if principal.kind == "visitor":\n        return Verdict.SIGN_IN\n',
        "",
        f"{_ACCESS_TESTS}::test_who_has_not_signed_in_reaches_what_is_public_and_nothing_else",
    ),
    Defence(
        "What one may not do",
        _ACCESS,
        "        elif Verdict.STEP_UP in verdicts:\n",
        "        elif True:\n            heard.append(uri)\n        elif Verdict.STEP_UP in verdicts:\n",
        f"{_STREAM_TESTS}::test_nobody_hears_of_what_they_may_not_read",
    ),
    Defence(
        "What one may not do",
        "engine/throttling.py",
        "    if wait is not None:\n",
        "    if False:\n",
        "engine/test_throttling.py::test_one_call_too_many_is_refused_until_the_window_ends",
    ),
)
