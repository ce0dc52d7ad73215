"""Handlers of llama.cpp's API that ask about a model: tokens, template, properties, slots."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance import __version__
from appliance.domain.messages import ToolDefinition
from appliance.engines.extras import Piece, extras_of
from appliance.errors import BadRequest, MissingField, ModelLoading, Unsupported
from appliance.http.bodies import decode
from appliance.http.dialects.llamacpp import answers, requests
from appliance.http.dialects.llamacpp.slots import slot_body, states
from appliance.http.dialects.openai import parse
from appliance.http.dialects.openai.requests import ChatBody
from appliance.http.exchange import Reply, Request, json_reply
from appliance.models.registry import Registry
from appliance.serving.conversation import Conversation
from appliance.serving.pool import Loaded, Pool


class Asking:
    """The model is the body's, the query's `model`, or the default one."""

    def __init__(
        self,
        conversation: Conversation,
        registry: Registry,
        pool: Pool,
        device_tools: Callable[[], Mapping[str, ToolDefinition]],
    ) -> None:
        self._conversation = conversation
        self._registry = registry
        self._pool = pool
        self._device_tools = device_tools

    def tokenize(self, request: Request) -> Reply:
        """POST /tokenize."""
        body = decode(request.body, requests.TokenizeBody)
        parts = [body.content] if isinstance(body.content, str) else body.content
        found: list[int | answers.PieceBody] = []
        with self._conversation.model(body.model or "") as loaded:
            for index, part in enumerate(parts):
                first = body.add_special and index == 0
                found += _tokens(loaded, part, body, request, add_special=first)
        return json_reply(answers.Tokens(found))

    def detokenize(self, request: Request) -> Reply:
        """POST /detokenize."""
        body = decode(request.body, requests.DetokenizeBody)
        cancel = request.caller.cancel
        text = self._conversation.detokenize(body.model or "", tuple(body.tokens), cancel)
        return json_reply(answers.Detokenized(text))

    def apply_template(self, request: Request) -> Reply:
        """POST /apply-template."""
        body = decode(request.body, requests.TemplateBody)
        chat = ChatBody(
            messages=body.messages,
            tools=body.tools,
            chat_template_kwargs=body.chat_template_kwargs,
            model=body.model,
        )
        wanted = parse.chat(chat, self._device_tools())
        with self._conversation.model(wanted.generation.model) as loaded:
            prompt = extras_of(loaded.engine).apply_template(wanted, request.caller.cancel)
        return json_reply(answers.Rendered(prompt))

    def props(self, request: Request) -> Reply:
        """GET /props."""
        with self._conversation.model(request.query.get("model", "")) as loaded:
            engine, entry = loaded.engine, loaded.entry
            told = extras_of(engine).properties()
        settings = dict(told.settings)
        return json_reply(
            answers.Props(
                default_generation_settings=settings
                | {"params": settings, "n_ctx": engine.context},
                total_slots=engine.slots,
                model_alias=entry.id,
                model_path=entry.path.name,
                model_ftype=told.file_type,
                chat_template=told.chat_template,
                chat_template_caps=dict(told.abilities),
                bos_token=told.bos_token,
                eos_token=told.eos_token,
                build_info=told.build or f"luna-{__version__}",
            )
        )

    def change_props(self, request: Request) -> Reply:
        """POST /props."""
        raise Unsupported(
            "Properties cannot be changed over the network; settings are in luna.toml."
        )

    def slots(self, request: Request) -> Reply:
        """GET /slots: of a model in memory; asking for them loads none."""
        found = states(self._in_memory(request.query.get("model", "")))
        if "fail_on_no_slot" in request.query and all(state.busy for state in found):
            raise ModelLoading("no slot available: every one is busy, try again in a moment.")
        return json_reply([slot_body(state) for state in found])

    def act(self, request: Request) -> Reply:
        """POST /slots/{id}?action=save|restore|erase."""
        body = decode(request.body, requests.SlotBody)
        slot = _slot(request.parameters["id"])
        action = request.query.get("action", "")
        cancel = request.caller.cancel
        if action not in ("save", "restore", "erase"):
            raise BadRequest("Invalid action: use save, restore or erase.", param="action")
        with self._conversation.model(body.model or request.query.get("model", "")) as loaded:
            extras = extras_of(loaded.engine)
            if action == "erase":
                return json_reply(answers.SlotErased(slot, extras.erase_slot(slot, cancel)))
            if body.filename is None:
                raise MissingField("Missing required field 'filename'.", param="filename")
            if action == "save":
                done = extras.save_slot(slot, body.filename, cancel)
                timings = answers.SlotTimings(save_ms=done.ms)
                return json_reply(
                    answers.SlotSaved(slot, done.name, done.tokens, done.size_bytes, timings)
                )
            done = extras.restore_slot(slot, body.filename, cancel)
            timings = answers.SlotTimings(restore_ms=done.ms)
            return json_reply(
                answers.SlotRestored(slot, done.name, done.tokens, done.size_bytes, timings)
            )

    def adapters(self, request: Request) -> Reply:
        """GET /lora-adapters: Luna loads none."""
        return json_reply([])

    def mix_adapters(self, request: Request) -> Reply:
        """POST /lora-adapters."""
        if decode(request.body, requests.Adapters):
            raise Unsupported("No LoRA adapter is loaded; merge it into the model file instead.")
        return json_reply(answers.Done())

    def _in_memory(self, name: str) -> Loaded:
        """The model that a name means; without a name, else the one that was used last."""
        wanted = self._registry.resolve(name)
        ready = [each for each in self._pool.loaded() if each.engine.state == "loaded"]
        for each in sorted(ready, key=lambda loaded: -loaded.used):
            if each.entry.id == wanted.id or not name:
                return each
        raise ModelLoading(
            f"The model '{wanted.id}' is not in memory yet; ask it something, or try again in a "
            "moment.",
            retry_after=2,
        )


def _tokens(
    loaded: Loaded,
    part: str | int,
    body: requests.TokenizeBody,
    request: Request,
    *,
    add_special: bool,
) -> list[int | answers.PieceBody]:
    if isinstance(part, int):
        if not body.with_pieces:
            return [part]
        text = loaded.engine.detokenize((part,), request.caller.cancel)
        return [answers.PieceBody(part, text)]
    cancel = request.caller.cancel
    if body.parse_special and not (add_special or body.with_pieces):
        return list(loaded.engine.tokenize(part, cancel))
    pieces = extras_of(loaded.engine).pieces(
        part, cancel, add_special=add_special, parse_special=body.parse_special
    )
    return [_piece(each) if body.with_pieces else each.id for each in pieces]


def _piece(piece: Piece) -> answers.PieceBody:
    try:
        return answers.PieceBody(piece.id, piece.raw.decode())
    except UnicodeDecodeError:
        return answers.PieceBody(piece.id, list(piece.raw))


def _slot(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadRequest("Invalid slot ID: it is a number, from 0 on.", param="id")
    return int(text)
