// The "model file": a text whose first line is `rkllm-sim`, then one `key = value` a line.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

struct Model {
  std::string path;
  std::map<std::string, std::string> values;

  std::string text(const char* key, const char* fallback = "") const {
    auto found = values.find(key);
    return found == values.end() ? fallback : found->second;
  }
  long number(const char* key, long fallback = 0) const {
    auto found = values.find(key);
    return found == values.end() ? fallback : strtol(found->second.c_str(), nullptr, 10);
  }
  bool fault(const char* name) const { return text("fault") == name; }
};

inline std::string trimmed(const std::string& text) {
  auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// `\n` in a value stands for a line feed, so that a reply can have several lines.
inline std::string unescaped(std::string text) {
  for (size_t at = 0; (at = text.find("\\n", at)) != std::string::npos;) text.replace(at, 2, "\n");
  return text;
}

enum class Reading { good, missing, invalid };

inline Reading read_model(const char* path, Model& model) {
  FILE* file = path ? fopen(path, "r") : nullptr;
  if (!file) return Reading::missing;
  model.path = path;
  std::string content;
  char block[4096];
  for (size_t size; (size = fread(block, 1, sizeof block, file)) > 0;) content.append(block, size);
  fclose(file);
  bool first = true;
  for (size_t start = 0; start < content.size();) {
    size_t end = content.find('\n', start);
    if (end == std::string::npos) end = content.size();
    std::string line = trimmed(content.substr(start, end - start));
    start = end + 1;
    if (first && line != "rkllm-sim") return Reading::invalid;
    first = false;
    auto equals = line.find('=');
    if (line.empty() || line[0] == '#' || equals == std::string::npos) continue;
    model.values[trimmed(line.substr(0, equals))] = unescaped(trimmed(line.substr(equals + 1)));
  }
  return first ? Reading::invalid : Reading::good;
}
