"""The colours of an inbox's widget: the one that was chosen, and those that follow from it.

Contrast is that of WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
"""

import colorsys
import re
from typing import Any

from django.urls import reverse

from chatbot.models import OWN_COLOUR, Inbox, InboxLogo

COLOUR = re.compile("#[0-9a-f]{6}")
WHITE, BLACK = "#ffffff", "#000000"
# --ground of static/chatbot/widget/styles/theme.css in the dark scheme.
DARK_GROUND = "#12181a"
# WCAG's least contrast of text, and of controls with what is around them.
OF_TEXT, OF_CONTROLS = 4.5, 3.0
STEPS = 256

Rgb = tuple[float, float, float]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def readable(colour: str) -> str:
    """Return the colour, or the nearest darker shade of it on which white text can be read."""
    return next(one for one in shades(colour, 0.0) if contrast(one, WHITE) >= OF_TEXT)


def in_the_dark(colour: str) -> str:
    """Return the colour, or the nearest lighter shade of it that stands out from a dark page.
    White text can be read on it, if it can on the colour."""
    return next(one for one in shades(colour, 1.0) if contrast(one, DARK_GROUND) >= OF_CONTROLS)


def text_in_the_dark(colour: str) -> str:
    return next(one for one in shades(colour, 1.0) if contrast(one, DARK_GROUND) >= OF_TEXT)


def shades(colour: str, towards: float) -> list[str]:
    """List shades of the same hue, from the colour itself to black (0.0) or white (1.0)."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*rgb(colour))
    steps = (lightness + (towards - lightness) * step / STEPS for step in range(1, STEPS + 1))
    return [colour, *(written(colorsys.hls_to_rgb(hue, step, saturation)) for step in steps)]


def mixed(colour: str, other: str, share: float) -> str:
    """Mix this share of the colour with the other."""
    red, green, blue = (
        one * share + two * (1 - share) for one, two in zip(rgb(colour), rgb(other), strict=True)
    )
    return written((red, green, blue))


def rgb(colour: str) -> Rgb:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def written(parts: Rgb) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


STYLE = """:root {{
  --accent: {light};
  --accent-hover: {light_hover};
  --accent-soft: {light_soft};
  --ring: {light};
}}

@media (prefers-color-scheme: dark) {{
  :root {{
    --accent: {dark};
    --accent-hover: {dark_hover};
    --accent-soft: {dark_soft};
    --ring: {ring};
  }}
}}
"""


def style(colour: str) -> str:
    """Return the style sheet that gives the widget this colour, by light and by dark."""
    dark = in_the_dark(colour)
    return STYLE.format(
        light=colour,
        light_hover=mixed(colour, BLACK, 0.85),
        light_soft=mixed(colour, WHITE, 0.12),
        dark=dark,
        dark_hover=mixed(dark, BLACK, 0.85),
        dark_soft=mixed(dark, DARK_GROUND, 0.35),
        ring=text_in_the_dark(colour),
    )


def style_address(inbox: Inbox) -> str:
    """Return the address of the inbox's style sheet; "" if it has Attune's own colour."""
    if inbox.colour == OWN_COLOUR or not COLOUR.fullmatch(inbox.colour):
        return ""
    return reverse("look-style", args=[inbox.colour.removeprefix("#")])


def logo_address(inbox: Inbox) -> str:
    """Return the address of the inbox's logo; "" if it has none."""
    digest = InboxLogo.objects.filter(inbox=inbox.pk).values_list("digest", flat=True).first()
    return f"{reverse('logo', args=[inbox.key])}?v={digest}" if digest else ""


def of_launcher(inbox: Inbox) -> dict[str, Any]:
    """Return what the launcher on the site's page shows of the inbox's look."""
    chosen = style_address(inbox) != ""
    colours = {"light": inbox.colour, "dark": in_the_dark(inbox.colour)} if chosen else {}
    return {"position": inbox.position, **colours}
