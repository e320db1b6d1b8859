// Package mermaid writes graphs as Mermaid flowcharts, which GitHub, GitLab and many editors draw where they stand in a
// Markdown document.
package mermaid
