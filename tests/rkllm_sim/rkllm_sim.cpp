// A stand-in for librkllmrt.so: the vendor's interface, made-up answers, and faults on demand.
// What it prints follows lines seen from real runtimes, because the engine has to read those.
#include "rkllm_sim.h"

#include "run.h"

#ifndef RKLLM_SIM_VERSION
#error "RKLLM_SIM_VERSION is the version text to announce"
#endif

namespace {

// The real library prints its version with %s, so that the literal stands alone in the file.
const char* const kVersion = RKLLM_SIM_VERSION;
const char* const kNeededDriver = "0.9.7";

Session* of(LLMHandle handle) { return static_cast<Session*>(handle); }

int refused(const char* why) {
  if (*why) complain("%s", why);
  complain("E rkllm: rkllm_init failed");
  return -1;
}

bool older(const std::string& version, const char* than) {
  int a[3] = {}, b[3] = {};
  sscanf(version.c_str(), "%d.%d.%d", a, a + 1, a + 2);
  sscanf(than, "%d.%d.%d", b, b + 1, b + 2);
  return std::lexicographical_compare(a, a + 3, b, b + 3);
}

void announce(const Model& model) {
  std::string driver = model.text("driver", "0.9.8");
  if (older(driver, kNeededDriver)) {
    complain("W rkllm: Warning: Your rknpu driver version is too low, please upgrade to %s",
             kNeededDriver);
  }
  complain("I rkllm: rkllm-runtime version: %s, rknpu driver version: %s, platform: %s", kVersion,
           driver.c_str(), model.text("board", "RK3588").c_str());
}

void announce_model(const Model& model) {
  complain("I rkllm: loading rkllm model from %s", model.path.c_str());
  complain("I rkllm: rkllm-toolkit version: %s, max_context_limit: %ld, npu_core_num: %ld, "
           "target_platform: %s, model_dtype: %s",
           model.text("toolkit", kVersion).c_str(), model.number("max_context", 4096),
           model.number("npu_cores", 3), model.text("platform", "RK3588").c_str(),
           model.text("dtype", "W8A8").c_str());
}

int npu_memory_is_full() {
  complain("E RKNN: failed to allocate handle, ret: -1, errno: 14, errstr: Bad address");
  complain("E RKNN: failed to malloc npu memory, size: 4022272000, flags: 0x2");
  return refused("E RKNN: load model file error!");
}

// Checks the parameters as the runtime was seen to; prints why it refuses.
int check(const Model& model, const RKLLMParam& param) {
  auto& extend = param.extend_param;
  char why[200] = "";
  long limit = model.number("max_context", 4096);
  if (model.text("platform", "RK3588") != model.text("board", "RK3588")) {
    return refused("E rkllm: The model target_platform does not match!");
  }
  if (extend.n_batch < 1 || extend.n_batch > 100) {
    snprintf(why, sizeof why, "E rkllm: The n_batch must be between 1 and 100, but got %d",
             extend.n_batch);
  } else if (param.max_context_len > limit) {
    snprintf(why, sizeof why,
             "E rkllm: max_context[%d] must be less than the model's max_context_limit[%ld]",
             param.max_context_len, limit);
  } else if (extend.enabled_cpus_num < model.number("npu_cores", 3)) {
    snprintf(why, sizeof why, "E rkllm: The number of enabled CPUs must be greater than or equal "
                              "to the number of NPU cores.");
  }
  return *why ? refused(why) : 0;
}

int guarded(LLMHandle handle, RKLLMInput* input, RKLLMInferParam* how, void* userdata) {
  Session* session = of(handle);
  if (!session || !input || !how) return -1;
  if (session->running.exchange(true)) {
    complain("E rkllm: the handle is busy");
    return -1;
  }
  {
    std::lock_guard lock(session->mutex);
    session->abort_asked = false;
  }
  int code = Run(*session, *input, *how, userdata)();
  session->running = false;
  return code;
}

}  // namespace

RKLLMParam rkllm_createDefaultParam() {
  RKLLMParam param;
  memset(&param, 0, sizeof param);
  param.max_context_len = 4096;
  param.max_new_tokens = 512;
  param.top_k = 40;
  param.top_p = 0.9f;
  param.temperature = 0.8f;
  param.repeat_penalty = 1.1f;
  param.mirostat_tau = 5.0f;
  param.mirostat_eta = 0.1f;
  param.skip_special_token = true;
  param.extend_param.enabled_cpus_num = 4;
  param.extend_param.enabled_cpus_mask = 0xF0;
  param.extend_param.n_batch = 1;
  return param;
}

int rkllm_init(LLMHandle* handle, RKLLMParam* param, InitCallback callback) {
  if (!handle || !param || !callback) return -1;
  auto session = std::make_unique<Session>();
  Reading reading = read_model(param->model_path, session->model);
  const Model& model = session->model;
  announce(model);
  if (reading == Reading::missing) return refused("E rkllm: failed to open the model file");
  if (reading == Reading::invalid) return refused("E rkllm: invalid rkllm model!");
  announce_model(model);
  if (int code = check(model, *param)) return code;
  if (model.fault("init-fails")) return refused("");
  if (model.fault("npu-memory")) return npu_memory_is_full();
  if (model.fault("npu-memory-crash") && npu_memory_is_full()) raise(SIGSEGV);
  if (model.fault("init-null")) {
    *handle = nullptr;
    npu_memory_is_full();
    return 0;
  }
  if (model.fault("init-broken")) npu_memory_is_full();
  std::this_thread::sleep_for(std::chrono::milliseconds(model.number("load_ms")));
  session->param = *param;
#if RKLLM_SIM_ABI == 13
  session->callback = callback->result_callback;
  session->userdata = callback->result_userdata;
#else
  session->callback = callback;
#endif
  complain("I rkllm: Enabled cpus num: %d", param->extend_param.enabled_cpus_num);
  *handle = session.release();
  return 0;
}

int rkllm_load_lora(LLMHandle handle, RKLLMLoraAdapter* adapter) {
  FILE* file = adapter && adapter->lora_adapter_path ? fopen(adapter->lora_adapter_path, "r")
                                                     : nullptr;
  if (!file || !adapter->lora_adapter_name) {
    complain("E rkllm: failed to load lora");
    if (file) fclose(file);
    return -1;
  }
  fclose(file);
  of(handle)->loras[adapter->lora_adapter_name] = adapter->scale;
  return 0;
}

int rkllm_load_prompt_cache(LLMHandle handle, const char* path) {
  FILE* file = path ? fopen(path, "r") : nullptr;
  if (!file) {
    complain("E rkllm: failed to load prompt cache from %s", path ? path : "nowhere");
    return -1;
  }
  Session* session = of(handle);
  char name[256] = "";
  bool ours = fscanf(file, "rkllm-sim-cache %255[^\n]", name) == 1 &&
              session->model.text("name", "sim") == name;
  Tokens tokens;
  for (int token; ours && fscanf(file, "%d", &token) == 1;) tokens.push_back(token);
  fclose(file);
  if (!ours) complain("E rkllm: the prompt cache does not belong to this model");
  else session->cache = std::move(tokens);
  return ours ? 0 : -1;
}

int rkllm_release_prompt_cache(LLMHandle handle) {
  of(handle)->cache.clear();
  return 0;
}

int rkllm_destroy(LLMHandle handle) {
  if (!handle) return -1;
  Session* session = of(handle);
  session->ask_abort();
  if (session->worker.joinable()) session->worker.join();
  delete session;
  return 0;
}

int rkllm_run(LLMHandle handle, RKLLMInput* input, RKLLMInferParam* how, void* userdata) {
  return guarded(handle, input, how, userdata);
}

// The structs are copied, what they point to must live until FINISH, as with the real one.
int rkllm_run_async(LLMHandle handle, RKLLMInput* input, RKLLMInferParam* how, void* userdata) {
  if (!handle || !input || !how || of(handle)->running) return -1;
  auto& worker = of(handle)->worker;
  if (worker.joinable()) worker.join();
  worker = std::thread([handle, in = *input, param = *how, userdata]() mutable {
    guarded(handle, &in, &param, userdata);
  });
  return 0;
}

int rkllm_abort(LLMHandle handle) {
  if (!handle) return -1;
  of(handle)->ask_abort();
  return 0;
}

// 1.3.0 answers 1 for "a task is running", the versions before it 0.
int rkllm_is_running(LLMHandle handle) {
  bool running = of(handle)->running;
  return RKLLM_SIM_ABI == 13 ? running : !running;
}

int rkllm_clear_kv_cache(LLMHandle handle, int keep_system_prompt, int* start, int* end) {
  Session* session = of(handle);
  if (session->running) return -1;
  if (start && end) {
    int size = static_cast<int>(session->kv.size());
    if (*start < 0 || *start > *end || *end > size) return -1;
    session->kv.erase(session->kv.begin() + *start, session->kv.begin() + *end);
    return 0;
  }
  session->kv.clear();
  session->paused = false;
  if (keep_system_prompt) session->kv = session->system_prompt;
  return 0;
}

int rkllm_get_kv_cache_size(LLMHandle handle, int* sizes) {
  if (!sizes) return -1;
  sizes[0] = static_cast<int>(of(handle)->kv.size());
  return 0;
}

int rkllm_set_chat_template(LLMHandle handle, const char* system, const char* prefix,
                            const char* postfix) {
  Session* session = of(handle);
  session->system_prompt =
      tokens_of(system ? system : "", session->vocabulary(), session->bytes());
  session->template_prefix = prefix ? prefix : "";
  session->template_postfix = postfix ? postfix : "";
  complain("W rkllm: Calling rkllm_set_chat_template will disable the internal automatic chat "
           "template parsing, including enable_thinking.");
  return 0;
}

int rkllm_set_function_tools(LLMHandle, const char*, const char* tools, const char*) {
  return tools && tools[0] == '[' ? 0 : -1;
}

int rkllm_set_cross_attn_params(LLMHandle, RKLLMCrossAttnParam* param) { return param ? 0 : -1; }

int rkllm_sim_kept_buffers(LLMHandle handle) {
  return static_cast<int>(of(handle)->kept.size());
}
