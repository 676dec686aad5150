// Package remote tests the rules with real remote caches and executors.
// tools/dev/remote runs its tests: each is its own Bazel in its own clone.
package remote
