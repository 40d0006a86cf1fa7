//! The `gemini` provider: generateContent.
