// Package firstgadget does what docs/howto/first-gadget.md says, command by
// command. tools/dev/examples runs its test.
package firstgadget
