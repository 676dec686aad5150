package wasm

import (
	"fmt"
)

var logFunctions = []Function{
	{
		"Log", "gadgetLog", "(level u32, message string)",
		"Logs a message of level 0 (error), 1 (warning), 2 (info), 3 (debug) or 4 (trace).", logMessage,
	},
	{"Log", "gadgetShouldLog", "(level u32) u32", "Returns 1 where messages of a level are shown, else 0.", shouldLog},
}

var paramFunctions = []Function{
	{
		"Parameters and settings", "getParamValue", "(key string, dst buffer) u32",
		"Writes the value of a parameter of params.wasm in gadget.yaml. Returns 0, 1 on error.", paramValue,
	},
	{
		"Parameters and settings", FunctionSetConfig, "(key string, value string, kind u32) u32",
		"Sets a value of gadget.yaml, such as `programs.NAME.attach_to`, until the gadget starts; kind is 12 (string). Returns 0, 1 on error.", setConfig,
	},
	{
		"Parameters and settings", "shouldDiscardMntnsID", "(mntns u64) u32",
		"Returns 1 where the user does not want events of a mount namespace, else 0.", shouldDiscard,
	},
	{
		"Parameters and settings", "releaseHandle", "(handle u32) u32", "Releases a handle. Returns 0, 1 on error.",
		releaseHandle,
	},
}

func logMessage(c call) {
	text, err := c.text(1)
	level := Level(c.u32(0))
	switch {
	case err != nil:
		c.log.warnf("gadgetLog: %v", err)
	case level > Trace:
		c.log.warnf("gadgetLog: level %d does not exist: %s", level, text)
	default:
		c.log.log(level, text)
	}
}

func shouldLog(c call) {
	if level := Level(c.u32(0)); level <= Trace && c.log.wants(level) {
		c.ret(1)
		return
	}
	c.ret(0)
}

func paramValue(c call) {
	key, err := c.text(0)
	if err != nil {
		c.done("getParamValue", err)
		return
	}
	value, ok := c.opts.Gadget.Param(key)
	if !ok {
		c.done("getParamValue", fmt.Errorf("parameter %q below params.wasm of gadget.yaml: %w", key, ErrAbsent))
		return
	}
	c.done("getParamValue", c.writeText(1, value))
}

// FunctionSetConfig is the function that changes the metadata before the gadget is
// loaded.
const FunctionSetConfig = "setConfig"

func setConfig(c call) {
	key, err := c.text(0)
	var value string
	switch {
	case err != nil:
	case Kind(c.u32(2)) != String:
		err = fmt.Errorf("%q: a value of kind %d cannot be set, only text (%d)", key, c.u32(2), String)
	case stage(c.stage.Load()) != stageInit:
		err = fmt.Errorf("%q: %w", key, errStarted)
	default:
		if value, err = c.text(1); err == nil {
			err = c.opts.Gadget.SetConfig(key, value)
		}
	}
	c.done(FunctionSetConfig, err)
}

func shouldDiscard(c call) {
	if c.opts.Gadget.Discards(c.stack[0]) {
		c.ret(1)
		return
	}
	c.ret(0)
}

func releaseHandle(c call) {
	v := c.handles.remove(c.u32(0))
	if v == nil {
		c.done("releaseHandle", handleError{c.u32(0)})
		return
	}
	c.Program.release(v)
	c.done("releaseHandle", nil)
}
