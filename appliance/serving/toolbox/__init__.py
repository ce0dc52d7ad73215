"""Device tools: Python functions in a folder that the server runs when a client asks for them."""

from __future__ import annotations

from appliance.serving.toolbox.box import SHIPPED_TOOLS, Toolbox
from appliance.serving.toolbox.tool import DeviceTool, ToolFailed

__all__ = ["SHIPPED_TOOLS", "DeviceTool", "ToolFailed", "Toolbox"]
