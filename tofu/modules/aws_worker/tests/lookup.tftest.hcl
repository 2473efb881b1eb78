mock_provider "aws" {
  mock_data "aws_instances" {
    defaults = { ids = ["i-0123"] }
  }
}

run "finds_the_machine_whatever_the_state_says" {
  command = plan

  variables {
    name      = "workers-7"
    pool      = "workers"
    variables = {}
  }

  module {
    source = "./lookup"
  }

  assert {
    condition     = data.aws_instances.machine.instance_tags == tomap({ "platform.ops/pool" = "workers", "platform.ops/machine" = "workers-7" })
    error_message = "It looks for the tags that the module gives."
  }
  assert {
    condition     = !contains(data.aws_instances.machine.instance_state_names, "terminated")
    error_message = "What is gone is not found."
  }
  assert {
    condition     = output.found == { "aws_instance.worker" = "i-0123" }
    error_message = "It names the resource to import."
  }
}
