"""Chat on a runtime that only continues tokens, as pure parts: text and tokens in, values out.

A chat request passes them in this order; everything that is refused is an error of
`appliance.errors`, everything that a model writes is an event of `appliance.domain.events`.

1. Prompt. `request.offered` are the tools that may be called. With a template
   (`template.load_template(folder, ModelSpec.chat_template)`, None where there is none) and a
   tokenizer (`tokenizer.Tokenizer.load(folder)`): `ChatTemplate.render(messages, tools,
   enable_thinking)`, then `Tokenizer.encode(text)` gives the exact tokens, BOS included.
   `toolformats.format_of(template.source)` tells how the model writes calls; where it is None,
   `flatten.with_tools(messages, tools)` teaches it `toolformats.HERMES` and the template gets no
   tools. Without template or tokenizer `flatten.flattened(messages)` is the text for the runtime's
   own template, with `toolchoice.instruction(request)` behind its last question.
   `toolchoice.forced_opening(...)` begins a required call: its `prompt` goes behind the rendered
   text, its `said` into the `AnswerReader`.
2. JSON. For a `response_format` other than text, `JsonMode(response_format)`: `instruct` the
   messages first; `check` the whole answer; while there is a problem (and the answer was not cut
   by its length) `retry`, up to `ATTEMPTS` runs in all.
3. Start. `prefix.PrefixStore` (one a loaded model, over one shared `prefixfiles.PrefixFiles`):
   `plan(identity, tokens)` before a run, `ran(...)` after one that ended by itself, `forget()`
   after a restart, `refused(plan)` if its file was not accepted. `saw(identity, prefix)` with
   `stable.stable_prefix(...)`, and while nothing runs `to_build()`, then `built` or `not_built`.
   `Identity` takes `prefixfiles.model_identity(path)` for the model, the same for a LoRA adapter,
   and `ChatTemplate.digest`.
4. Answer. `answer.AnswerReader(ReasoningSplitter(opened=opens_reasoning(prompt),
   keep=request.reasoning_in_content), ToolCallParser(format, tools, parallel=...), stops, said)`:
   `feed` bytes, end the run when `stopped`, then `finish`. With `calls` the reason is
   "tool_calls"; `toolchoice.missing_call` says what is wrong if a required one did not come.
   The markers of Mistral and Llama 3 are special tokens: a runtime that skips those in its output
   hides them, and then only calls at the beginning of an answer are found.
5. `ignored.ignored(...)` names what could not be honoured.

Embeddings: `pooling.embedding(values, columns, pooling.pooling_of(folder), dimensions)`.
"""
