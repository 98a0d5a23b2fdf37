"""The messages of Django and of its REST framework in the words of this project: what a value must be."""

import re

_LONGEST = 600  # characters of one message: longer ones quote input at length

# What the libraries say, as patterns, and what the API answers instead. The first that matches counts.
_RULES: list[tuple[str, str]] = [
    (r"This field is required\.|The requested resource is missing", "A value is required."),
    (r"This field (?:may not|cannot) be null\.", "Must not be null."),
    (r"This field (?:may not|cannot) be blank\.", "Must not be empty."),
    (r"(?:This|This selection) (?:list|dictionary|selection|) ?may not be empty\.", "Must not be empty."),
    (
        r"Must be a valid boolean\.|Value must be either .*|“.*” value must be either .*",
        "Must be true or false.",
    ),
    (r"Not a valid string\.", "Must be a text."),
    (
        r"A valid (?:big)?integer is required\.|Enter a (?:valid integer|whole number)\.|“.*” value must be an integer\.",
        "Must be a whole number.",
    ),
    (
        r"A valid number is required\.|Enter a number\.|“.*” value must be a (?:float|decimal number)\.",
        "Must be a number.",
    ),
    (r"Integer value too large to convert to float", "Must be a smaller number."),
    (
        r"Ensure this (?:field|value) has (?:no|at) mo(?:re|st) (?:than )?(\d+) characters?.*",
        r"Must have at most \1 characters.",
    ),
    (r"Ensure this (?:field|value) has at least (\d+) characters?.*", r"Must have at least \1 characters."),
    (r"Ensure this field has no more than (\d+) elements?\.", r"Must be a list of at most \1 values."),
    (r"Ensure this field has at least (\d+) elements?\.", r"Must be a list of at least \1 values."),
    (r"Ensure this value is less than or equal to (.+)\.", r"Must be \1 or less."),
    (r"Ensure this value is greater than or equal to (.+)\.", r"Must be \1 or more."),
    (r"Ensure this value is a multiple of step size ([^,]+?)(?:, .*|\.)", r"Must be a multiple of \1."),
    (r"Ensure this value is (\S+) \(it is .*\)\.", r"Must be \1."),
    (r"Ensure that there are no more than (.+)\.", r"Must have at most \1."),
    (
        r"Ensure this filename has at most (\d+) characters.*",
        r"The file's name must have at most \1 characters.",
    ),
    (r"String value too large\.", "Must have at most 1000 characters."),
    # Fields of the API name their choices themselves. This is for what a model refuses that no field has checked.
    (
        r"\"(.*)\" is not a valid (?:path )?choice\.|Value '?(.*?)'? is not a valid choice\."
        r"|Select a valid choice\. (?!That choice)(.*) is not one of the available choices\.",
        r"“\1\2\3” is not one of the values to choose from: see the description of the API (/api/docs/).",
    ),
    (
        r"Select a valid choice\. That choice is not one of the available choices\.",
        "Is not one of the values to choose from: see the description of the API (/api/docs/).",
    ),
    (r"“(.*)” is not a valid value\.", r"Must be an id, not “\1”."),
    (r'Expected a list of items but got type ".*"\.|Enter a list of values\.', "Must be a list."),
    (r'Expected a dictionary of items but got type ".*"\.', "Must be an object with named values."),
    (r"Invalid data\. Expected a dictionary, but got .*\.", "Must be an object with named values."),
    (r"Value must be valid JSON\.|Enter a valid JSON\.", "Must be JSON."),
    (r'Invalid pk "(.*)" - object does not exist\.', r"The id \1 was not found in your projects."),
    (r"Incorrect type\. Expected pk value, received .*\.", "Must be an id, which is a whole number."),
    (
        r"Invalid hyperlink.*|Incorrect type\. Expected URL string, received .*\.",
        "Must be the address of a row.",
    ),
    (r"Object with (.*)=(.*) does not exist\.", r"\1 “\2” not found."),
    (
        r"Invalid value\.|Enter a valid value\.|This value does not match the required pattern\.",
        "Does not have the required form.",
    ),
    (
        r"Enter a (?:valid|complete) (?:email address)\.",
        "Must be an email address, such as name@example.org.",
    ),
    (r"Enter a valid [\"“]slug.*", "Must consist of letters, digits, “_” and “-”."),
    (
        r"Enter a valid URL\.|Enter a valid domain name\.",
        "Must be an address, such as https://example.org/path.",
    ),
    (r"Must be a valid UUID\.|Enter a valid UUID\.|“.*” is not a valid UUID\.", "Must be a UUID."),
    (r"Enter a valid IPv.* address\.", "Must be an IP address."),
    (
        r"Date(?:time)? has wrong format\..*|Enter a valid date(?:/time)?\.|Expected a date.* but got a date.*\."
        r"|Datetime value out of range\.|Invalid datetime for the timezone .*"
        r"|“.*” value has (?:an invalid date|an invalid format|the correct).*",
        "Must be a date such as 2025-04-30, or a time such as 2025-04-30T14:05:00Z.",
    ),
    (r"Time has wrong format\..*|Enter a valid time\.", "Must be a time such as 14:05:00."),
    (
        r"Duration has wrong format\..*|Enter a valid duration\.|The number of days must be between .*",
        "Must be a duration such as 1 02:03:04 (days, hours, minutes, seconds).",
    ),
    (r"Enter a complete value\.|Range query expects two values\.", "Must have both values of the range."),
    (r"Enter only digits separated by commas\.", "Must be whole numbers with commas between them."),
    (r"No file was submitted\..*", "A file is required: send the form as multipart/form-data."),
    (r"The submitted data was not a file\..*", "Must be a file: send the form as multipart/form-data."),
    (r"No filename could be determined\.", "The file has no name. Send its name with it."),
    (r"The submitted file is empty\.", "The file is empty."),
    (r"Upload a valid image\..*", "Must be an image."),
    (
        r"File extension “(.*)” is not allowed\. Allowed extensions are: (.*)\.",
        r"The file's name must end in one of \2, not “\1”.",
    ),
    (
        r"(?:Null|Surrogate) characters are not allowed.*",
        "Must not contain NUL characters or halves of characters.",
    ),
    (r"This field must be unique.*", "Exists already. Choose another value."),
    (r"The fields (.*) must make a unique set\.", r"Exists already with the same \1."),
    (r"(.*) with this (.*) already exists\.", r"A \1 with this \2 exists already."),
    (r"Constraint “.*” is violated\.", "Does not fit the other values."),
    (r"(.*) instance with .* does not exist\.", r"\1 not found."),
    # Errors of a whole request
    (
        r"Authentication credentials were not provided\.",
        "Sign in, or send an API token: Authorization: Bearer mer_…",
    ),
    (
        r"Incorrect authentication credentials\.|Invalid (?:basic|token) header\..*|Invalid (?:username/password|token)\."
        r"|User inactive or deleted\.",
        "These credentials are unknown or no longer active. Create a new API token.",
    ),
    (r"You do not have permission to perform this action\.|", "Your role does not allow this."),
    (
        r"CSRF Failed: .*",
        "The page was opened in an earlier session. Load it again. Programs: send an API token instead of a cookie.",
    ),
    (r"Not found\.", "There is nothing at this address."),
    (r"Invalid page\..*", "There is no such page."),
    (r"Invalid cursor.*", "Not a cursor of this list. Take it from “next” or “previous” of an answer."),
    (r'Method "(.*)" not allowed\.', r"This address does not take \1."),
    (
        r"Could not satisfy the request Accept header\.",
        "The API answers in application/json. Accept it, or */*.",
    ),
    (r'Unsupported media type "(.*)" in request\.', r"This address does not take a body of type “\1”."),
    (
        r"Request was throttled\.(?: Expected available in (\d+) seconds?\.)?",
        r"Too many requests. Try again in \1 seconds.",
    ),
    (
        r"Malformed request\.|JSON parse error.*|Multipart form parse error.*",
        "The body of the request cannot be read.",
    ),
    (r"Invalid input\.", "The request has values that cannot be used."),
    (r"A server error occurred\.", "The server made an error."),
]
_PATTERNS = [(re.compile(pattern, re.DOTALL), words) for pattern, words in _RULES]


def in_our_words(text: str) -> str:
    """Return the message, in our words if a library wrote it.

    >>> in_our_words("Ensure this value is less than or equal to 10.")
    'Must be 10 or less.'
    >>> in_our_words("The apex comes after the offset.")
    'The apex comes after the offset.'
    """
    for pattern, words in _PATTERNS:
        if match := pattern.fullmatch(text):
            text = match.expand(words)
            break
    text = text.encode(errors="replace").decode().replace("\0", "")  # halves of characters cannot be sent
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def is_reworded(text: str) -> bool:
    """Return whether a message of a library is one that ``in_our_words`` knows."""
    return any(pattern.fullmatch(text) for pattern, _ in _PATTERNS)
