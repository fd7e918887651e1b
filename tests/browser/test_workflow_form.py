"""The form of a workflow: steps are moved by keyboard or mouse, and entered values are preserved."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit


def add_step(page: Page, kind: str) -> None:
    page.locator("select[id='add.']").select_option(kind)
    page.locator("button[value='w|add:?:']").press("Enter")


def kinds(page: Page) -> list[str]:
    selects = page.locator("select[name$='.kind'][name^='s.']:not([name*='.c.'])")
    return [select.input_value() for select in selects.all()]


def test_moving_steps_by_keyboard_or_mouse_preserves_entered_values(visit: Visit) -> None:
    page = visit.go("workflows/new")
    page.get_by_label("Name", exact=True).fill("Moved about")
    add_step(page, "wait")
    amount = page.locator("input[name='s.1.amount']")
    expect(amount).to_be_visible()
    amount.fill("17")
    add_step(page, "if")
    expect(page.locator("select[name='s.2.kind']")).to_have_value("if")

    # The keyboard moves the step into the branches of the step below, and the focus follows.
    page.locator("button[value='w|down:1']").press("Enter")
    expect(page.locator("input[name='s.1.then.0.amount']")).to_have_value("17")
    moved = page.locator("button[value='w|down:1.then.0']")
    expect(moved).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("input[name='s.1.else.0.amount']")).to_have_value("17")
    assert kinds(page) == ["send", "if", "wait"]

    # The mouse moves the step to the beginning.
    handle = page.locator("li[data-place='1.else.0'] > .step .handle").first
    target = page.locator("li[data-place='0'] > .step > .node-line").first
    handle.drag_to(target, target_position={"x": 20, "y": 2})
    expect(page.locator("input[name='s.0.amount']")).to_have_value("17")
    assert kinds(page) == ["wait", "send", "if"]
    expect(page.get_by_label("Name", exact=True)).to_have_value("Moved about")
