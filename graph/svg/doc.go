// Package svg draws a graph as a picture, without any installed tool: layers from top to bottom, scopes as boxes,
// types on the wires, kinds of nodes by colour and shape, for light and dark screens alike.
//
// Where a graph has a gradient or updates, these stand beside the network, and small dashed items name the values that
// come from there; see package view.
package svg
