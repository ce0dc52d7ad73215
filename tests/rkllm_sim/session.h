// One loaded model: what a handle points to.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "model.h"
#include "rkllm_sim.h"
#include "text.h"

using Clock = std::chrono::steady_clock;

struct Session {
  Model model;
  RKLLMParam param{};
  LLMResultCallback callback = nullptr;
  void* userdata = nullptr;

  Tokens kv;             // the context that the "NPU" holds
  Tokens cache;          // a loaded prompt cache
  Tokens system_prompt;  // what rkllm_clear_kv_cache may keep
  bool paused = false;   // the last run was ended by its callback
  std::map<std::string, float> loras;
  std::string template_prefix, template_postfix;
  std::vector<std::vector<char>> leaked;
  std::vector<std::vector<float>> kept;  // output buffers that nobody gave back

  std::atomic<bool> running{false};
  std::mutex mutex;
  std::condition_variable changed;
  bool abort_asked = false;
  Clock::time_point abort_due;
  std::thread worker;  // of the last rkllm_run_async

  bool bytes() const { return model.number("bytes"); }
  int32_t vocabulary() const { return static_cast<int32_t>(model.number("vocab", 32000)); }

  void ask_abort() {
    std::lock_guard lock(mutex);
    if (abort_asked) return;
    abort_asked = true;
    abort_due = Clock::now() + std::chrono::milliseconds(model.number("abort_lag_ms"));
    changed.notify_all();
  }

  // Whether the run has to end; only between tokens and between chunks of the prompt.
  bool aborted() {
    std::lock_guard lock(mutex);
    return abort_asked && Clock::now() >= abort_due;
  }

  // Waits until `due`, or until an abort takes effect.
  void wait_until(Clock::time_point due) {
    std::unique_lock lock(mutex);
    while (Clock::now() < due) {
      auto next = abort_asked ? std::min(due, abort_due) : due;
      if (abort_asked && Clock::now() >= abort_due) return;
      changed.wait_until(lock, next);
    }
  }

  [[noreturn]] static void hang() {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
};
