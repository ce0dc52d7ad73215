// Tokens: hashes of pieces of text, or bytes; and texts that follow from what was asked.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

using Tokens = std::vector<int32_t>;

inline uint64_t mixed(uint64_t hash, uint64_t value) {  // FNV-1a
  return (hash ^ value) * 1099511628211ull;
}
constexpr uint64_t kSeed = 14695981039346656037ull;

inline int32_t token_id(const std::string& piece, int32_t vocabulary) {
  uint64_t hash = kSeed;
  for (unsigned char byte : piece) hash = mixed(hash, byte);
  return static_cast<int32_t>((hash >> 20) % static_cast<uint64_t>(vocabulary));
}

inline uint64_t hash_of(const Tokens& tokens) {
  uint64_t hash = kSeed;
  for (int32_t token : tokens) hash = mixed(hash, static_cast<uint32_t>(token));
  return hash;
}

inline size_t character_bytes(unsigned char first) {
  return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

// A word with the space before it is one token; `halves` cuts longer characters into bytes.
inline std::vector<std::string> pieces_of(const std::string& text, bool halves) {
  std::vector<std::string> pieces;
  for (size_t at = 0; at < text.size();) {
    size_t size = character_bytes(text[at]);
    std::string character = text.substr(at, size);
    at += character.size();
    if (character.size() > 1 && halves) {
      for (char byte : character) pieces.emplace_back(1, byte);
      continue;
    }
    bool word = character.size() == 1 && character[0] != ' ' && character[0] != '\n';
    bool joins = word && !pieces.empty() && pieces.back().size() < 8 &&
                 pieces.back().back() != '\n' && !(pieces.back().back() & 0x80);
    if (joins) pieces.back() += character;
    else pieces.push_back(character);
  }
  return pieces;
}

inline Tokens tokens_of(const std::string& text, int32_t vocabulary, bool bytes) {
  Tokens tokens;
  if (bytes) return Tokens(reinterpret_cast<const uint8_t*>(text.data()),
                           reinterpret_cast<const uint8_t*>(text.data()) + text.size());
  for (auto& piece : pieces_of(text, false)) tokens.push_back(token_id(piece, vocabulary));
  return tokens;
}

// Bytes as text, ids above 255 in brackets; or, where ids are hashes, a list of them.
inline std::string text_of(const Tokens& tokens, bool bytes) {
  std::string text;
  for (int32_t token : tokens) {
    if (bytes && token < 256) text += static_cast<char>(token);
    else if (bytes) text += "<" + std::to_string(token) + ">";
    else text += (text.empty() ? "" : ",") + std::to_string(token);
  }
  return text;
}

// Words that follow from the context alone: the same question has the same answer.
inline std::string babble(uint64_t hash, long words) {
  static const char* const kWords[] = {"amber", "birch", "cedar", "delta", "ember", "flint",
                                       "grove", "heron", "indigo", "juniper", "kelp", "linen",
                                       "maple", "nectar", "olive", "pearl"};
  std::string text;
  for (long index = 0; index < words; index++) {
    hash = mixed(hash, static_cast<uint64_t>(index) + 1);
    text += (index ? " " : "") + std::string(kWords[(hash >> 32) % 16]);
  }
  return text;
}
