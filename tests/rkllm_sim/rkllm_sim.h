// The interface of librkllmrt.so as our binding needs it: versions 1.2.1 to 1.2.3, or 1.3.0.
// Written from the vendor's documented layout; the sizes asserted below are those of its headers.
// RKLLM_SIM_ABI is 12 or 13.
#pragma once
#include <cstddef>
#include <cstdint>

#define RKLLM_SIM_EXPORT extern "C" __attribute__((visibility("default")))

using LLMHandle = void*;

enum LLMCallState : int32_t { RUN_NORMAL = 0, RUN_WAITING = 1, RUN_FINISH = 2, RUN_ERROR = 3 };
enum RKLLMInputType : int32_t {
  INPUT_PROMPT = 0,
  INPUT_TOKEN = 1,
  INPUT_EMBED = 2,
  INPUT_MULTIMODAL = 3
};
enum RKLLMInferMode : int32_t {
  INFER_GENERATE = 0,
  INFER_GET_LAST_HIDDEN_LAYER = 1,
  INFER_GET_LOGITS = 2
};

struct RKLLMExtendParam {
  int32_t base_domain_id;
  int8_t embed_flash;
  int8_t enabled_cpus_num;
  uint32_t enabled_cpus_mask;
  uint8_t n_batch;
  int8_t use_cross_attn;
  uint8_t reserved[104];
};

struct RKLLMParam {
  const char* model_path;
  int32_t max_context_len;
  int32_t max_new_tokens;
  int32_t top_k;
  int32_t n_keep;
  float top_p;
  float temperature;
  float repeat_penalty;
  float frequency_penalty;
  float presence_penalty;
  int32_t mirostat;
  float mirostat_tau;
  float mirostat_eta;
  bool skip_special_token;
#if RKLLM_SIM_ABI == 13
  bool ignore_eos_token;
  bool is_async;
#else
  bool is_async;
  const char* img_start;
  const char* img_end;
  const char* img_content;
#endif
  RKLLMExtendParam extend_param;
};

struct RKLLMLoraAdapter {
  const char* lora_adapter_path;
  const char* lora_adapter_name;
  float scale;
};

struct RKLLMEmbedInput {
  float* embed;
  size_t n_tokens;
};

struct RKLLMTokenInput {
  int32_t* input_ids;
  size_t n_tokens;
};

#if RKLLM_SIM_ABI == 13
struct RKLLMMultiModalInput {
  char* prompt;
  struct {
    float* image_embed;
    size_t n_image_tokens;
    size_t n_image;
    const char* image_start;
    const char* image_end;
    const char* image_content;
    size_t image_width;
    size_t image_height;
  } image;
  struct {
    float* video_embed;
    size_t n_frame_tokens;
    size_t n_frame_per_video;
    size_t n_video;
    const char* video_start;
    const char* video_end;
    const char* video_content;
    size_t frame_width;
    size_t frame_height;
  } video;
};
#else
struct RKLLMMultiModalInput {
  char* prompt;
  float* image_embed;
  size_t n_image_tokens;
  size_t n_image;
  size_t image_width;
  size_t image_height;
};
#endif

struct RKLLMInput {
  const char* role;
  bool enable_thinking;
  RKLLMInputType input_type;
  union {
    const char* prompt_input;
    RKLLMEmbedInput embed_input;
    RKLLMTokenInput token_input;
    RKLLMMultiModalInput multimodal_input;
  };
};

struct RKLLMLoraParam {
  const char* lora_adapter_name;
};

struct RKLLMPromptCacheParam {
  int save_prompt_cache;
  const char* prompt_cache_path;
};

struct RKLLMCrossAttnParam {
  float* encoder_k_cache;
  float* encoder_v_cache;
  float* encoder_mask;
  int32_t* encoder_pos;
  int num_tokens;
};

#if RKLLM_SIM_ABI == 13
struct RKLLMSamplingParam {
  int32_t top_k;
  float top_p;
  float temperature;
  float repeat_penalty;
  float frequency_penalty;
  float presence_penalty;
  int32_t mirostat;
  float mirostat_tau;
  float mirostat_eta;
};
#endif

struct RKLLMInferParam {
  RKLLMInferMode mode;
  RKLLMLoraParam* lora_params;
  RKLLMPromptCacheParam* prompt_cache_params;
#if RKLLM_SIM_ABI == 13
  RKLLMSamplingParam* sampling_params;
#endif
  int keep_history;
#if RKLLM_SIM_ABI == 13
  int32_t max_new_tokens;
#endif
};

struct RKLLMResultLastHiddenLayer {
  const float* hidden_states;
  int embd_size;
  int num_tokens;
};

struct RKLLMResultLogits {
  const float* logits;
  int vocab_size;
  int num_tokens;
};

struct RKLLMPerfStat {
  float prefill_time_ms;
  int prefill_tokens;
  float generate_time_ms;
  int generate_tokens;
  float memory_usage_mb;
};

struct RKLLMResult {
  const char* text;
  int32_t token_id;
  RKLLMResultLastHiddenLayer last_hidden_layer;
  RKLLMResultLogits logits;
  RKLLMPerfStat perf;
};

using LLMResultCallback = int (*)(RKLLMResult*, void*, LLMCallState);
using LLMTokenizerCallback = int (*)(void*, const char*, int32_t, int32_t*, int32_t);
using LLMGetEmbedCallback = int (*)(void*, int32_t*, uint64_t, void*, uint64_t);

#if RKLLM_SIM_ABI == 13
struct RKLLMCallback {
  LLMResultCallback result_callback;
  void* result_userdata;
  LLMTokenizerCallback tokenizer_callback;
  void* tokenizer_userdata;
  LLMGetEmbedCallback embed_callback;
  void* embed_userdata;
};
using InitCallback = RKLLMCallback*;
#else
using InitCallback = LLMResultCallback;
#endif

RKLLM_SIM_EXPORT RKLLMParam rkllm_createDefaultParam();
RKLLM_SIM_EXPORT int rkllm_init(LLMHandle*, RKLLMParam*, InitCallback);
RKLLM_SIM_EXPORT int rkllm_load_lora(LLMHandle, RKLLMLoraAdapter*);
RKLLM_SIM_EXPORT int rkllm_load_prompt_cache(LLMHandle, const char*);
RKLLM_SIM_EXPORT int rkllm_release_prompt_cache(LLMHandle);
RKLLM_SIM_EXPORT int rkllm_destroy(LLMHandle);
RKLLM_SIM_EXPORT int rkllm_run(LLMHandle, RKLLMInput*, RKLLMInferParam*, void*);
RKLLM_SIM_EXPORT int rkllm_run_async(LLMHandle, RKLLMInput*, RKLLMInferParam*, void*);
RKLLM_SIM_EXPORT int rkllm_abort(LLMHandle);
RKLLM_SIM_EXPORT int rkllm_is_running(LLMHandle);
RKLLM_SIM_EXPORT int rkllm_clear_kv_cache(LLMHandle, int, int*, int*);
RKLLM_SIM_EXPORT int rkllm_get_kv_cache_size(LLMHandle, int*);
RKLLM_SIM_EXPORT int rkllm_set_chat_template(LLMHandle, const char*, const char*, const char*);
RKLLM_SIM_EXPORT int rkllm_set_function_tools(LLMHandle, const char*, const char*, const char*);
RKLLM_SIM_EXPORT int rkllm_set_cross_attn_params(LLMHandle, RKLLMCrossAttnParam*);

// For tests only: output buffers that no callback gave back.
RKLLM_SIM_EXPORT int rkllm_sim_kept_buffers(LLMHandle);

static_assert(sizeof(RKLLMExtendParam) == 120);
static_assert(sizeof(RKLLMLoraAdapter) == 24);
static_assert(sizeof(RKLLMEmbedInput) == 16 && sizeof(RKLLMTokenInput) == 16);
static_assert(sizeof(RKLLMLoraParam) == 8 && sizeof(RKLLMPromptCacheParam) == 16);
static_assert(sizeof(RKLLMCrossAttnParam) == 40);
static_assert(sizeof(RKLLMResultLastHiddenLayer) == 16 && sizeof(RKLLMResultLogits) == 16);
static_assert(sizeof(RKLLMPerfStat) == 20 && sizeof(RKLLMResult) == 72);
#if RKLLM_SIM_ABI == 13
static_assert(sizeof(RKLLMParam) == 184 && offsetof(RKLLMParam, extend_param) == 60);
static_assert(sizeof(RKLLMMultiModalInput) == 144 && sizeof(RKLLMInput) == 160);
static_assert(sizeof(RKLLMSamplingParam) == 36 && sizeof(RKLLMInferParam) == 40);
static_assert(sizeof(RKLLMCallback) == 48);
#else
static_assert(sizeof(RKLLMParam) == 208 && offsetof(RKLLMParam, extend_param) == 88);
static_assert(sizeof(RKLLMMultiModalInput) == 48 && sizeof(RKLLMInput) == 64);
static_assert(sizeof(RKLLMInferParam) == 32);
#endif
