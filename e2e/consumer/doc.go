// Package consumer holds what a workspace that uses the rules has to fetch.
// tools/dev/consumer runs its test.
package consumer
