// Package modelexplorer writes graphs in the JSON form of Google's Model Explorer
// (https://github.com/google-ai-edge/model-explorer), which opens them with scopes to fold, search and layers on top.
package modelexplorer
