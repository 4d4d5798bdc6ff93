"""How something looks once the browser has laid it out."""

from __future__ import annotations

from playwright.sync_api import Locator

#: Of text on its own background, which lies on the card's.
LOWEST_CONTRAST = """
(elements) => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const luminance = (...fills) => {
        for (const fill of fills) { canvas.fillStyle = fill; canvas.fillRect(0, 0, 1, 1); }
        const pixel = [...canvas.getImageData(0, 0, 1, 1).data];
        const [r, g, b] = pixel.map((part) => linear(part / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    return Math.min(...elements.map((element) => {
        const { color, backgroundColor } = getComputedStyle(element);
        const under = getComputedStyle(element.closest('.widget-card')).backgroundColor;
        const both = [luminance(under, backgroundColor), luminance(under, color)];
        const [dark, light] = both.sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
    }));
}
"""


def style(found: Locator, *names: str) -> list[str]:
    values: list[str] = found.evaluate(
        "(element, names) => names.map((name) => getComputedStyle(element).getPropertyValue(name))",
        list(names),
    )
    return values


def lowest_contrast(found: Locator) -> float:
    lowest: float = found.evaluate_all(LOWEST_CONTRAST)
    return lowest
