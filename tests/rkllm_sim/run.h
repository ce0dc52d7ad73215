// One run: prompt, prefill, tokens, statistics, and the faults on the way.
#pragma once
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "session.h"

__attribute__((format(printf, 1, 2))) inline void complain(const char* format, ...) {
  va_list values;
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
  fputc('\n', stderr);
}

inline float peak_memory_mb() {
  float kilobytes = 0;
  if (FILE* status = fopen("/proc/self/status", "r")) {
    char line[256];
    while (fgets(line, sizeof line, status)) {
      if (sscanf(line, "VmHWM: %f", &kilobytes) == 1) break;
    }
    fclose(status);
  }
  return kilobytes / 1024;
}

struct Sampler {
  int32_t top_k;
  float top_p, temperature, repeat_penalty, frequency_penalty, presence_penalty;
  int32_t mirostat;
  float mirostat_tau, mirostat_eta;
};

template <typename Source>
Sampler sampler_of(const Source& from) {
  return {from.top_k,           from.top_p,        from.temperature,
          from.repeat_penalty,  from.frequency_penalty, from.presence_penalty,
          from.mirostat,        from.mirostat_tau, from.mirostat_eta};
}

class Run {
 public:
  Run(Session& session, const RKLLMInput& input, const RKLLMInferParam& how, void* userdata)
      : s(session), in(input), how(how), userdata(userdata) {}

  int operator()() {
    if (s.model.fault("init-broken")) {
      complain("GGML_ASSERT(view_src == NULL || data_size + view_offs <= nbytes) failed");
      abort();
    }
    if (!read_input() || !find_lora()) return -1;
    if (fault("run-fails")) return -1;
    if (!how.keep_history && !s.paused) s.kv.clear();
    s.paused = false;
    int code = answer();
    // The header says no more than "discard history": here that means before a run and after it.
    if (!how.keep_history && !s.paused) s.kv.clear();
    return code;
  }

 private:
  Session& s;
  const RKLLMInput& in;
  const RKLLMInferParam& how;
  void* userdata;
  Tokens prompt;
  std::string asked;  // the prompt as text
  std::string lora;
  RKLLMPerfStat perf{};
  Clock::time_point started = Clock::now();

  // `fault_if` keeps a fault for prompts that contain a text; "asked" has them name it themselves.
  bool fault(const char* name) const {
    if (s.model.fault("asked")) return asked.find(std::string("fault:") + name) != std::string::npos;
    return s.model.fault(name) && asked.find(s.model.text("fault_if")) != std::string::npos;
  }

  int answer() {
    size_t reused = reuse_cache();
    long room = s.param.max_context_len;
    if (static_cast<long>(s.kv.size() + prompt.size() - reused) > room) {
      complain("E rkllm: prompt gather than max context (prompt: %zu tokens, max context: %ld)",
               s.kv.size() + prompt.size() - reused, room);
      tell(RUN_ERROR);
      return -1;
    }
    prefill(reused);
    if (s.aborted()) return end_by_abort();
    save_cache();
    if (how.mode == INFER_GET_LAST_HIDDEN_LAYER) return give_floats(s.model.number("hidden", 16));
    if (how.mode == INFER_GET_LOGITS) return give_floats(s.vocabulary());
    return generate();
  }

  bool read_input() {
    if (in.input_type == INPUT_PROMPT && in.prompt_input) {
      asked = s.template_prefix + in.prompt_input + s.template_postfix;
      prompt = tokens_of(asked, s.vocabulary(), s.bytes());
    } else if (in.input_type == INPUT_TOKEN) {
      prompt.assign(in.token_input.input_ids, in.token_input.input_ids + in.token_input.n_tokens);
      asked = text_of(prompt, s.bytes());
    } else if (in.input_type == INPUT_EMBED) {
      for (size_t row = 0; row < in.embed_input.n_tokens; row++) {
        prompt.push_back(static_cast<int32_t>(in.embed_input.embed[row] * 1000));
      }
    } else {
      complain("E rkllm: input type %d is not supported by this model", in.input_type);
    }
    return !prompt.empty();
  }

  bool find_lora() {
    if (!how.lora_params || !how.lora_params->lora_adapter_name) return true;
    lora = how.lora_params->lora_adapter_name;
    if (s.loras.count(lora)) return true;
    complain("E rkllm: lora adapter %s is not loaded", lora.c_str());
    return false;
  }

  // A prompt cache helps where the context is empty and the prompt begins with it.
  size_t reuse_cache() {
    size_t size = s.cache.size();
    bool fits = s.kv.empty() && size <= prompt.size() &&
                std::equal(s.cache.begin(), s.cache.end(), prompt.begin());
    if (!fits) return 0;
    s.kv.assign(s.cache.begin(), s.cache.end());
    return size;
  }

  // Linear and quadratic in the position, as attention costs; aborts are seen between chunks.
  void prefill(size_t reused) {
    constexpr size_t kChunk = 128;
    double linear = s.model.number("prefill_us"), square = s.model.number("prefill_square_ns");
    for (size_t done = reused; done < prompt.size() && !s.aborted();) {
      if (fault("hang-prefill")) Session::hang();
      size_t size = std::min(kChunk, prompt.size() - done);
      double from = s.kv.size(), to = from + size;
      double cost_us = linear * size + square * (to * to - from * from) / 1000;
      auto cost = std::chrono::duration<double, std::micro>(cost_us);
      if (cost_us > 0) std::this_thread::sleep_for(cost);
      s.kv.insert(s.kv.end(), prompt.begin() + done, prompt.begin() + done + size);
      done += size;
    }
    perf.prefill_tokens = static_cast<int>(prompt.size() - reused);
    perf.prefill_time_ms = milliseconds_since(started);
  }

  void save_cache() {
    auto* cache = how.prompt_cache_params;
    if (!cache || !cache->save_prompt_cache) return;
    const char* path = cache->prompt_cache_path ? cache->prompt_cache_path : "prompt_cache.bin";
    FILE* file = fopen(path, "w");
    if (!file) {
      complain("E rkllm: failed to save prompt cache to %s", path);
      return;
    }
    fprintf(file, "rkllm-sim-cache %s\n", s.model.text("name", "sim").c_str());
    for (int32_t token : prompt) fprintf(file, "%d\n", token);
    fclose(file);
  }

  // Returns whether the run goes on.
  bool tell(LLMCallState state, const char* text = nullptr, int32_t token = -1) {
    RKLLMResult result{};
    result.text = text;
    result.token_id = token;
    if (state == RUN_FINISH) result.perf = perf;
    return obey(s.callback(&result, userdata ? userdata : s.userdata, state));
  }

  bool obey(int answer) {
#if RKLLM_SIM_ABI != 13
    if (answer == 2) complain("E rkllm: the callback returned 2, which this version does not know");
#endif
    bool pauses = answer == 1 && !s.model.number("deaf");
    if (pauses) s.paused = true;
    return !pauses;
  }

  int give_floats(long columns) {
    uint64_t hash = hash_of(s.kv);
    bool last_only = how.mode == INFER_GET_LOGITS;
    size_t rows = last_only ? 1 : prompt.size();
    std::vector<float> values(rows * static_cast<size_t>(columns));
    for (auto& value : values) {
      hash = mixed(hash, 7);
      value = static_cast<float>(static_cast<int32_t>(hash >> 32)) / 2147483648.0f;
    }
    RKLLMResult result{};
    result.token_id = -1;
    int width = static_cast<int>(columns), height = static_cast<int>(rows);
    if (last_only) result.logits = {values.data(), width, height};
    else result.last_hidden_layer = {values.data(), width, height};
    int answer = s.callback(&result, userdata ? userdata : s.userdata, RUN_NORMAL);
    if (RKLLM_SIM_ABI == 13 && answer != 2) s.kept.push_back(std::move(values));
    if (!obey(answer)) return 0;
    return finish();
  }

  int generate() {
    auto generation = Clock::now();
    auto pace = std::chrono::microseconds(s.model.number("token_us"));
    long limit = new_tokens(), at = s.model.number("fault_at", 2), said = 0;
    std::string held;  // bytes of a character that is not whole
    for (auto& piece : reply()) {
      if (said == limit || static_cast<long>(s.kv.size()) >= s.param.max_context_len) break;
      if (said == at && !fail_here()) return 0;
      if (pace.count()) s.wait_until(generation + pace * (said + 1));
      if (s.aborted()) return end_by_abort();
      leak();
      int32_t token = s.bytes() ? static_cast<uint8_t>(piece[0]) : token_id(piece, s.vocabulary());
      s.kv.push_back(token);
      said++;
      if (!say(piece, token, held)) return 0;
    }
    perf.generate_tokens = static_cast<int>(said);
    perf.generate_time_ms = milliseconds_since(generation);
    return fault("never-finish") ? 0 : finish();
  }

  bool say(const std::string& piece, int32_t token, std::string& held) {
    if (fault("matmul-flood")) {
      for (int line = 0; line < 5; line++) complain("E rkllm: matmul(w8a8) run failed");
      return tell(RUN_NORMAL, "!", token);
    }
    if (!fault("waiting")) return tell(RUN_NORMAL, piece.c_str(), token);
    held += piece;
    if (held.size() < character_bytes(held[0])) return tell(RUN_WAITING, nullptr, token);
    std::string whole = std::move(held);
    held.clear();
    return tell(RUN_NORMAL, whole.c_str(), token);
  }

  // The faults of one token; returns whether the run goes on.
  bool fail_here() {
    if (fault("segfault")) raise(SIGSEGV);
    if (fault("hang")) Session::hang();
    if (fault("run-error")) {
      tell(RUN_ERROR);
      return false;
    }
    return true;
  }

  void leak() {
    size_t size = static_cast<size_t>(s.model.number("leak_kb")) * 1024;
    if (size) s.leaked.emplace_back(size, 1);
  }

  std::vector<std::string> reply() {
    std::string text = chosen_reply();
    if (text == "@prompt") text = asked;
    else if (text == "@settings") text = settings();
    else if (text.empty()) {
      uint64_t hash = mixed(hash_of(s.kv), lora.size());
      text = babble(hash, s.model.number("reply_words", 16));
    }
    if (!s.bytes()) return pieces_of(text, fault("half-utf8") || fault("waiting"));
    std::vector<std::string> pieces;
    for (char byte : text) pieces.emplace_back(1, byte);
    return pieces;
  }

  // The first `thenN` whose `ifN` stands in the context, else `reply`.
  std::string chosen_reply() {
    std::string context = text_of(s.kv, s.bytes());
    for (char number = '1'; number <= '9'; number++) {
      std::string asks = s.model.text(("if" + std::string(1, number)).c_str());
      if (asks.empty()) break;
      if (context.find(asks) != std::string::npos || asked.find(asks) != std::string::npos) {
        return s.model.text(("then" + std::string(1, number)).c_str());
      }
    }
    return s.model.text("reply");
  }

  long new_tokens() {
#if RKLLM_SIM_ABI == 13
    if (how.max_new_tokens > 0) return how.max_new_tokens;
#endif
    return s.param.max_new_tokens > 0 ? s.param.max_new_tokens : s.param.max_context_len;
  }

  // Everything that a run was given, as text: what the binding says must arrive here.
  std::string settings() {
    Sampler use = sampler_of(s.param);
    int ignore_eos = 0;
#if RKLLM_SIM_ABI == 13
    if (how.sampling_params) use = sampler_of(*how.sampling_params);
    ignore_eos = s.param.ignore_eos_token;
#endif
    auto& extend = s.param.extend_param;
    char text[1024];
    snprintf(text, sizeof text,
             "top_k=%d top_p=%.3f temperature=%.3f repeat_penalty=%.3f frequency_penalty=%.3f "
             "presence_penalty=%.3f mirostat=%d max_new_tokens=%ld max_context_len=%d n_keep=%d "
             "skip_special_token=%d ignore_eos_token=%d is_async=%d base_domain_id=%d "
             "embed_flash=%d cpus=%d mask=%#x n_batch=%d cross=%d role=%s thinking=%d type=%d "
             "history=%d lora=%s",
             use.top_k, use.top_p, use.temperature, use.repeat_penalty, use.frequency_penalty,
             use.presence_penalty, use.mirostat, new_tokens(), s.param.max_context_len,
             s.param.n_keep, s.param.skip_special_token, ignore_eos, s.param.is_async,
             extend.base_domain_id, extend.embed_flash, extend.enabled_cpus_num,
             extend.enabled_cpus_mask, extend.n_batch, extend.use_cross_attn,
             in.role ? in.role : "-", in.enable_thinking, in.input_type, how.keep_history,
             lora.empty() ? "-" : lora.c_str());
    return text;
  }

  int finish() {
    perf.memory_usage_mb = peak_memory_mb();
    tell(RUN_FINISH, "");
    return 0;
  }

  int end_by_abort() { return s.model.number("abort_finish", 1) ? finish() : 0; }

  static float milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<float, std::milli>(Clock::now() - start).count();
  }
};
